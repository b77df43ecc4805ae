//! How processes know that they are to end: their standard input does, also when who started them was killed.

use std::io::Read;
use std::sync::Arc;

use tokio::sync::watch;

/// Told when standard input ends.
#[derive(Clone)]
pub(crate) struct Life(
    watch::Receiver<bool>,
    #[expect(dead_code, reason = "keeps the channel open")] Arc<watch::Sender<bool>>,
);

impl Life {
    pub(crate) fn of_input() -> Self {
        let (tell, told) = watch::channel(false);
        let tell = Arc::new(tell);
        let teller = Arc::clone(&tell);
        std::thread::spawn(move || {
            // however it ends
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            teller.send_replace(true);
        });
        Self(told, tell)
    }

    pub(crate) fn is_over(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) async fn over(mut self) {
        // an error says that nobody can tell any more
        let _ = self.0.wait_for(|over| *over).await;
    }
}
