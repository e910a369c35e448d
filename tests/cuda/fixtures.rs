//! Every case of the fixture folder through the CUDA executor in f16, and in bf16, too: of pipelines, which take longest and are the
//! same networks in a row, the first of each kind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use afterimage::exec::{Cuda, Executor};
use afterimage::verify::{Index, kinds};
use libtest_mimic::{Completion, Failed, Trial};

use crate::judge::judge;

fn folder() -> PathBuf {
    let set = std::env::var_os("AFTERIMAGE_FIXTURES").filter(|dir| !dir.is_empty());
    set.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), PathBuf::from)
}

/// One test for each case.
pub fn tests() -> Vec<Trial> {
    let index = Index::read(&folder());
    let names: Vec<String> = index.map(|index| index.entries.into_keys().collect()).unwrap_or_default();
    let empty = names.is_empty();
    let there =
        Trial::test("fixtures::index", move || if empty { Err("no readable index.json".into()) } else { Ok(()) });
    let mut pipelines = BTreeSet::new();
    let mut wide = |name: &str| !name.contains("pipe_") || pipelines.insert(Index::kind_of(name).to_owned());
    names.into_iter().map(|name| trial(wide(&name), name)).chain([there]).collect()
}

fn trial(wide: bool, name: String) -> Trial {
    let title = format!("fixtures::{name}");
    if kinds::find(Index::kind_of(&name)).is_none() {
        let reason = format!("not yet: no code for `{}`", Index::kind_of(&name));
        return Trial::ignorable_test(title, move || Ok(Completion::ignored_with(reason)));
    }
    Trial::test(title, move || {
        let made = std::iter::once(Cuda::new()).chain(wide.then(Cuda::bf16));
        for executor in made {
            let executor = executor.map_err(|error| error.to_string())?;
            let failed = |error: Failed| format!("{}: {}", executor.name(), error.message().unwrap_or(""));
            judge(&folder(), &name, &executor).map_err(failed)?;
        }
        Ok(())
    })
}
