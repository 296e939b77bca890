//! What a run looked like over time, second by second.
//!
//! Owns      the samples.
//! Promises  every row has every column.
//! Does not  take samples by itself.

use serde_json::{Value, json};

/// Named columns over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Names with units.
    pub columns: Vec<&'static str>,
    /// Seconds since the run began, and a value for each column.
    pub rows: Vec<(f64, Vec<f64>)>,
}

impl Timeline {
    /// An empty one.
    pub fn new(columns: &[&'static str]) -> Self {
        Timeline { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a sample. Values that are missing count as 0.
    pub fn push(&mut self, second: f64, mut values: Vec<f64>) {
        values.resize(self.columns.len(), 0.0);
        self.rows.push((second, values));
    }

    /// One column over time.
    pub fn series(&self, column: &str) -> Option<Vec<(f64, f64)>> {
        let index = self.columns.iter().position(|name| *name == column)?;
        Some(self.rows.iter().map(|(second, values)| (*second, values[index])).collect())
    }

    /// As JSON: a list per column.
    pub fn to_json(&self) -> Value {
        let mut object = json!({ "second": self.rows.iter().map(|row| row.0).collect::<Vec<_>>() });
        for (index, column) in self.columns.iter().enumerate() {
            object[*column] = self.rows.iter().map(|row| row.1[index]).collect();
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        let mut timeline = Timeline::new(&["a_per_s", "b_bytes"]);
        timeline.push(1.0, vec![5.0]);
        timeline.push(2.0, vec![6.0, 7.0]);
        assert_eq!(timeline.series("b_bytes"), Some(vec![(1.0, 0.0), (2.0, 7.0)]));
        assert_eq!(timeline.series("c"), None);
        assert_eq!(timeline.to_json()["a_per_s"], json!([5.0, 6.0]));
    }
}
