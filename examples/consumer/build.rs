//! Generates the bindings of the events that growth publishes and receives.

fn main() -> eventwright_codegen::Result<()> {
    eventwright_codegen::configure().registry("../../contracts/event-types-registry.json").domain("growth").compile()
}
