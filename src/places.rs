//! Where files live: settings, data, cache, pictures. `AFTERIMAGE_HOME` moves all of them together.

use std::path::PathBuf;

use etcetera::{BaseStrategy, choose_base_strategy};

/// Folders of this user. They are made when something is written, not before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Settings.
    pub config: PathBuf,
    /// Models and window geometry.
    pub data: PathBuf,
    /// Things that can be made again.
    pub cache: PathBuf,
    /// Where pictures are saved unless told otherwise.
    pub pictures: PathBuf,
}

impl Places {
    /// The folders of this system's convention, or below `AFTERIMAGE_HOME`.
    pub fn find() -> Self {
        let home = std::env::var_os("AFTERIMAGE_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        match (home, choose_base_strategy()) {
            (Some(home), _) => Self::below(home),
            (None, Ok(base)) => Self {
                config: base.config_dir().join("afterimage"),
                data: base.data_dir().join("afterimage"),
                cache: base.cache_dir().join("afterimage"),
                pictures: pictures_of(base.home_dir()).join("Afterimage"),
            },
            // No home folder: keep everything together where the program was started.
            (None, Err(_)) => Self::below(PathBuf::from("afterimage-home")),
        }
    }

    /// Everything below one folder.
    pub fn below(home: PathBuf) -> Self {
        // Wherever the program goes later, and so that messages say where that is.
        let home = std::path::absolute(&home).unwrap_or(home);
        Self {
            config: home.join("config"),
            data: home.join("data"),
            cache: home.join("cache"),
            pictures: home.join("pictures"),
        }
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.config.join("settings.toml")
    }
}

fn pictures_of(home: &std::path::Path) -> PathBuf {
    let pictures = home.join("Pictures");
    if pictures.is_dir() { pictures } else { home.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_holds_everything() {
        let places = Places::below("home".into());
        let home = std::env::current_dir().unwrap().join("home");
        assert_eq!(places.settings(), home.join("config").join("settings.toml"));
        assert!([&places.data, &places.cache, &places.pictures].iter().all(|path| path.starts_with(&home)));
    }
}
