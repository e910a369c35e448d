//! Every case of the fixture folder, one named test each. A kind without code yet is shown as ignored, with the reason.

use afterimage::exec::{Candle, Cpu, ExecError, Executor};
use afterimage::verify::{Index, kinds};
use libtest_mimic::{Completion, Failed, Trial};

use crate::judge::judge;
use crate::support;

/// One test for each case, and one for the folder itself.
pub fn tests() -> Vec<Trial> {
    let dir = support::fixtures();
    let Ok(index) = Index::read(&dir) else {
        let reason = format!("{} has no readable index.json", dir.display());
        return vec![Trial::test("fixtures::index", move || Err(Failed::from(reason)))];
    };
    let mut trials: Vec<Trial> = index.entries.keys().map(|name| trial(name)).collect();
    trials.push(Trial::test("fixtures::every_supported_kind_has_a_case", move || {
        let missing: Vec<&str> = kinds::KINDS
            .iter()
            .map(|kind| kind.prefix)
            .filter(|prefix| !index.entries.keys().any(|name| Index::kind_of(name) == *prefix))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("no case of {}", missing.join(", ")).into()) }
    }));
    trials
}

fn trial(name: &str) -> Trial {
    let title = format!("fixtures::{name}");
    let name = name.to_owned();
    if kinds::find(Index::kind_of(&name)).is_none() {
        let reason = format!("not yet: no code for `{}`", Index::kind_of(&name));
        return Trial::ignorable_test(title, move || Ok(Completion::ignored_with(reason)));
    }
    Trial::test(title, move || judge_all(&name))
}

/// On the reference, and on our own executor with each instruction set this processor has.
fn judge_all(name: &str) -> Result<(), Failed> {
    for executor in executors().map_err(|error| error.to_string())? {
        judge(&support::fixtures(), name, &*executor)
            .map_err(|error| format!("{}: {}", executor.name(), error.message().unwrap_or("")))?;
    }
    Ok(())
}

fn executors() -> Result<Vec<Box<dyn Executor>>, ExecError> {
    let mut executors: Vec<Box<dyn Executor>> = vec![Box::new(Candle::new(1)?)];
    for word in Cpu::instructions() {
        executors.push(Box::new(Cpu::forced(word, 1)?));
    }
    Ok(executors)
}
