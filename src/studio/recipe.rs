//! What is written into a saved picture, and read back from one: its parameters by name.

use std::collections::BTreeMap;

use super::ModelInfo;
use crate::engine::{Params, Picture};
use crate::frame::Size;

/// What is written into a saved picture: one pair per parameter. See [`recipe`].
pub fn describe(picture: &Picture, model: Option<&ModelInfo>) -> Vec<(&'static str, String)> {
    let params = &picture.params;
    vec![
        ("prompt", params.prompt.clone()),
        ("seed", params.seed.to_string()),
        ("steps", params.steps.to_string()),
        ("strength", params.strength.to_string()),
        ("guidance", params.guidance.to_string()),
        ("size", format!("{}x{}", params.size.width, params.size.height)),
        ("clip_skip", params.clip_skip.to_string()),
        ("model", model.map(|model| model.name.clone()).unwrap_or_default()),
        ("executor", model.map(|model| model.executor.clone()).unwrap_or_default()),
    ]
}

/// The parameters that [`describe`] wrote; `None` for the file of somebody else.
pub(super) fn recipe(pairs: &BTreeMap<String, String>) -> Option<Params> {
    fn number<T: std::str::FromStr>(pairs: &BTreeMap<String, String>, key: &str) -> Option<T> {
        pairs.get(key)?.parse().ok()
    }
    let (width, height) = pairs.get("size")?.split_once('x')?;
    Some(Params {
        prompt: pairs.get("prompt")?.clone(),
        seed: number(pairs, "seed")?,
        steps: number(pairs, "steps")?,
        strength: number(pairs, "strength")?,
        guidance: number(pairs, "guidance")?,
        size: Size::new(width.parse().ok()?, height.parse().ok()?),
        clip_skip: number(pairs, "clip_skip")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;

    #[test]
    fn what_is_written_is_read_back() {
        let params = Params {
            prompt: "red \"apple\"; 3d 🍎".into(),
            seed: 4_294_967_295,
            steps: 3,
            strength: 0.65,
            guidance: 7.5,
            size: Size::new(256, 192),
            clip_skip: 1,
        };
        let picture = Picture::plain(Frame::filled(Size::square(8), [1, 2, 3, 255]), params.clone());
        let mut pairs: BTreeMap<String, String> =
            describe(&picture, None).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        assert_eq!(recipe(&pairs), Some(params));
        pairs.insert("seed".into(), "many".into());
        assert_eq!(recipe(&pairs), None);
        assert_eq!(recipe(&BTreeMap::new()), None);
    }
}
