//! The sum of a verification, for people and machines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Index, Outcome};
use crate::exec::Executor;

/// How a kind did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All cases within their limits.
    Pass,
    /// A limit was exceeded, a case could not be judged, or a supported kind had no case.
    Fail,
    /// No code for this kind yet.
    NotYet,
}

/// The sum over one kind.
#[derive(Clone, Debug, Serialize)]
pub struct KindReport {
    /// How it did.
    pub status: Status,
    /// Cases judged.
    pub cases: usize,
    /// Tensors compared.
    pub tensors: usize,
    /// Largest error over limit; null when infinite.
    pub worst_ratio: f64,
    /// The case it came from.
    pub case: String,
    /// The tensor it came from.
    pub tensor: String,
    /// Its largest error.
    pub error: f64,
    /// Its limit.
    pub limit: f64,
    /// What could not be judged, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remark: String,
}

/// The sum of a verification.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Who ran the networks.
    pub executor: String,
    /// Whether that was a GPU, and did all of it.
    #[serde(skip)]
    pub gpu: bool,
    /// The fixture folder.
    pub fixtures: PathBuf,
    /// By index prefix.
    pub kinds: BTreeMap<String, KindReport>,
}

impl Report {
    pub(super) fn new(executor: &dyn Executor, fixtures: &Path) -> Self {
        let (fixtures, kinds) = (fixtures.to_owned(), BTreeMap::new());
        Self { executor: executor.name(), gpu: executor.is_gpu(), fixtures, kinds }
    }

    /// Whether no kind failed.
    pub fn passed(&self) -> bool {
        self.kinds.values().all(|kind| kind.status != Status::Fail)
    }

    pub(super) fn add(&mut self, name: &str, outcome: &Outcome) {
        let kind = self.kinds.entry(Index::kind_of(name).to_owned()).or_insert_with(|| KindReport::empty(Status::Pass));
        kind.cases += 1;
        match outcome {
            Outcome::NotYet => kind.status = Status::NotYet,
            Outcome::Failed(error) => {
                kind.status = Status::Fail;
                name.clone_into(&mut kind.case);
                kind.remark = format!("{name}: {error}");
            }
            Outcome::Ran(checks) => {
                if !outcome.passed() {
                    kind.status = Status::Fail;
                }
                kind.tensors += checks.list.len();
                if !checks.not_yet.is_empty() {
                    let parts: Vec<&str> = checks.not_yet.iter().map(String::as_str).collect();
                    kind.remark = format!("{name}: not yet {}", parts.join(", "));
                }
                for check in &checks.list {
                    if check.ratio > kind.worst_ratio || kind.tensor.is_empty() {
                        kind.worst_ratio = check.ratio;
                        name.clone_into(&mut kind.case);
                        kind.tensor.clone_from(&check.tensor);
                        kind.error = check.error;
                        kind.limit = check.limit;
                    }
                }
            }
        }
    }

    /// A supported kind without a case is a failure.
    pub(super) fn require<'a>(&mut self, prefixes: impl Iterator<Item = &'a str>) {
        for prefix in prefixes {
            self.kinds.entry(prefix.to_owned()).or_insert_with(|| KindReport {
                remark: "no case in this folder".into(),
                ..KindReport::empty(Status::Fail)
            });
        }
    }
}

impl KindReport {
    fn empty(status: Status) -> Self {
        Self {
            status,
            cases: 0,
            tensors: 0,
            worst_ratio: 0.0,
            case: String::new(),
            tensor: String::new(),
            error: 0.0,
            limit: 0.0,
            remark: String::new(),
        }
    }
}
