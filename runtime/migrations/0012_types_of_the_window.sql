-- What a group has to do is looked for up to a window, and must not be older than that: between the two a deploy could have said that the
-- group handles another type, and an event of that type been published, which the window has and nobody would have asked for. As a
-- volatile function it looks with a snapshot of its own, after the window of the same statement was opened.
ALTER FUNCTION eventwright.look(text, bigint, text[]) VOLATILE;
