//! Foreign names of tensors, translated once, so that networks know only one name for each; and a guess at what was meant.

/// The name of `key` that the networks use, and whether its trailing 1 x 1 is dropped (an old autoencoder's attention was a
/// convolution). `bare_text` says that the component is a text encoder saved without its outer module.
pub fn translate(key: &str, shape: &[usize], bare_text: bool) -> (String, Vec<usize>) {
    if bare_text && ["embeddings.", "encoder.", "final_layer_norm."].iter().any(|start| key.starts_with(start)) {
        return (format!("text_model.{key}"), shape.into());
    }
    let Some((name, projection)) = attention_projection(key) else { return (key.into(), shape.into()) };
    let shape = match shape {
        [rows, columns, 1, 1] => vec![*rows, *columns],
        _ => shape.to_vec(),
    };
    (format!("{name}{projection}"), shape)
}

/// Whether these are the names of a text encoder saved without `text_model.`.
pub fn is_bare_text<'a>(mut keys: impl Iterator<Item = &'a str>) -> bool {
    keys.any(|key| key == "embeddings.token_embedding.weight")
}

/// Splits `...attentions.0.query.weight` into its start and the name used today.
fn attention_projection(key: &str) -> Option<(&str, String)> {
    let (_, after) = key.split_once("attentions.")?;
    let (number, rest) = after.split_once('.')?;
    number.parse::<u32>().ok()?;
    let (module, end) = rest.rsplit_once('.')?;
    let today = match module {
        "query" | "to_q" => "to_q",
        "key" | "to_k" => "to_k",
        "value" | "to_v" => "to_v",
        "proj_attn" | "to_out.0" => "to_out.0",
        _ => return None,
    };
    Some((&key[..key.len() - rest.len()], format!("{today}.{end}")))
}

/// The name most like `key`, if any is like it at all.
pub fn nearest<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let limit = key.len() / 3;
    names
        .filter(|name| name.len().abs_diff(key.len()) <= limit && name.len() <= 256 && key.len() <= 256)
        .map(|name| (distance(key.as_bytes(), name.as_bytes()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name.into())
}

/// How many bytes must be changed, added or taken away.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_autoencoder_attention() {
        let (key, shape) = translate("decoder.mid_block.attentions.0.proj_attn.weight", &[8, 8, 1, 1], false);
        assert_eq!((key.as_str(), shape), ("decoder.mid_block.attentions.0.to_out.0.weight", vec![8, 8]));
        let (key, shape) = translate("decoder.mid_block.attentions.0.query.bias", &[8], false);
        assert_eq!((key.as_str(), shape), ("decoder.mid_block.attentions.0.to_q.bias", vec![8]));
    }

    #[test]
    fn other_names_stay() {
        for key in [
            "down_blocks.0.attentions.1.transformer_blocks.0.attn1.to_q.weight",
            "down_blocks.0.attentions.1.proj_in.weight",
            "mid_block.attentions.0.group_norm.weight",
            "conv_in.weight",
        ] {
            assert_eq!(translate(key, &[4, 4, 1, 1], false), (key.to_owned(), vec![4, 4, 1, 1]));
        }
    }

    #[test]
    fn text_encoder_without_its_outer_module() {
        assert!(is_bare_text(["embeddings.token_embedding.weight"].into_iter()));
        assert!(!is_bare_text(["text_model.embeddings.token_embedding.weight"].into_iter()));
        assert_eq!(translate("final_layer_norm.bias", &[4], true).0, "text_model.final_layer_norm.bias");
        assert_eq!(translate("text_projection.weight", &[4, 4], true).0, "text_projection.weight");
    }

    #[test]
    fn nearest_is_near() {
        let names = ["conv_in.weight", "conv_in.bias", "time_embedding.linear_1.weight"];
        assert_eq!(nearest("conv_in.weigth", names.into_iter()).as_deref(), Some("conv_in.weight"));
        assert_eq!(nearest("something.else.entirely", names.into_iter()), None);
    }
}
