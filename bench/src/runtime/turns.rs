//! Measures in turns, so that what slows the machine down slows down everybody.

use futures_util::future::BoxFuture;

use crate::Result;

/// One side of a comparison. A turn is given the number of its round, and returns what it measured, in the table's unit.
pub(crate) struct Contender<'a> {
    name: String,
    turn: Box<dyn FnMut(usize) -> BoxFuture<'a, Result<f64>> + 'a>,
}

impl<'a> Contender<'a> {
    pub(crate) fn new<T, F>(name: impl Into<String>, mut turn: T) -> Self
    where
        T: FnMut(usize) -> F + 'a,
        F: Future<Output = Result<f64>> + Send + 'a,
    {
        Self { name: name.into(), turn: Box::new(move |round| Box::pin(turn(round))) }
    }
}

/// What one side measured, round by round.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) name: String,
    rounds: Vec<f64>,
}

impl Measured {
    pub(crate) fn median(&self) -> f64 {
        median(self.rounds.clone())
    }

    /// The median of the rounds' ratios: a round that was slow for both sides counts like any other.
    pub(crate) fn ratio(&self, to: &Measured) -> f64 {
        median(self.rounds.iter().zip(&to.rounds).map(|(ours, theirs)| ours / theirs).collect())
    }
}

/// Runs all contenders so many times in turns, every other round backwards, after one round that does not count.
pub(crate) async fn in_turns(rounds: usize, contenders: &mut [Contender<'_>]) -> Result<Vec<Measured>> {
    let mut measured: Vec<Measured> =
        contenders.iter().map(|contender| Measured { name: contender.name.clone(), rounds: Vec::new() }).collect();
    for round in 0..=rounds {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let result = (contenders[at].turn)(round).await?;
            if round > 0 {
                measured[at].rounds.push(result);
            }
        }
    }
    Ok(measured)
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value below which this share of the values lies; sorts them.
pub(crate) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len() as f64) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// A table in Markdown.
pub(crate) struct Table {
    columns: usize,
}

impl Table {
    pub(crate) fn new<const COLUMNS: usize>(title: &str, heads: [&str; COLUMNS]) -> Self {
        println!("\n{title}\n\n| {} |\n| --- |{}", heads.join(" | "), " ---: |".repeat(COLUMNS - 1));
        Self { columns: COLUMNS }
    }

    pub(crate) fn row(&self, cells: &[String]) {
        assert_eq!(cells.len(), self.columns, "a row has as many cells as the table has heads");
        println!("| {} |", cells.join(" | "));
    }
}
