//! Generates the bindings of the events that sales publishes and receives.

fn main() -> eventwright_codegen::Result<()> {
    eventwright_codegen::configure().registry("../../contracts/event-types-registry.json").domain("sales").compile()
}
