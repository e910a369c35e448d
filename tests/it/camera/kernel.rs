//! The hand-written kernel structures of `vendor/v4l2-sys-mit` against the C compiler's.

use libtest_mimic::{Completion, Failed};

#[cfg(not(target_os = "linux"))]
pub fn compare() -> Result<Completion, Failed> {
    Ok(Completion::ignored_with("the structures are those of Linux"))
}

#[cfg(target_os = "linux")]
pub fn compare() -> Result<Completion, Failed> {
    use std::process::Command;

    let dir = crate::support::TempDir::new("kernel");
    let (source, program) = (dir.path().join("layout.c"), dir.path().join("layout"));
    if !std::path::Path::new("/usr/include/linux/videodev2.h").is_file() {
        return Ok(Completion::ignored_with("linux/videodev2.h is not installed (package linux-libc-dev)"));
    }
    std::fs::write(&source, c_program())?;
    let Ok(compiled) = Command::new("cc").arg("-o").arg(&program).arg(&source).output() else {
        return Ok(Completion::ignored_with("there is no C compiler"));
    };
    if !compiled.status.success() {
        return Err(String::from_utf8_lossy(&compiled.stderr).into_owned().into());
    }
    let printed = Command::new(&program).output()?.stdout;
    let theirs = String::from_utf8_lossy(&printed).into_owned();
    let ours = ours();
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        if ours != theirs {
            return Err(format!("we say `{ours}`, the kernel `{theirs}`").into());
        }
    }
    if ours.lines().count() != theirs.lines().count() || ours.lines().count() < 40 {
        return Err("a structure is missing".into());
    }
    Ok(Completion::Completed)
}

#[cfg(target_os = "linux")]
fn ours() -> String {
    use std::fmt::Write;

    let mut text = String::new();
    for layout in v4l2_sys_mit::LAYOUT {
        write!(text, "{} {} {}", layout.name, layout.size, layout.align).unwrap();
        for (field, offset) in layout.fields {
            write!(text, " {field} {offset}").unwrap();
        }
        text.push('\n');
    }
    text
}

#[cfg(target_os = "linux")]
fn c_program() -> String {
    use std::fmt::Write;

    let mut text = String::from(
        "#include <stdio.h>\n#include <stddef.h>\n#include <sys/time.h>\n#include <linux/videodev2.h>\n\
         #include <linux/v4l2-common.h>\nint main(void) {\n",
    );
    for layout in v4l2_sys_mit::LAYOUT {
        let name = layout.name;
        writeln!(text, "printf(\"{name} %zu %zu\", sizeof(struct {name}), _Alignof(struct {name}));").unwrap();
        for (field, _) in layout.fields {
            writeln!(text, "printf(\" {field} %zu\", offsetof(struct {name}, {field}));").unwrap();
        }
        text.push_str("puts(\"\");\n");
    }
    text.push_str("return 0;\n}\n");
    text
}
