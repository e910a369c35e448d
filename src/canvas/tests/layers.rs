//! Layers: what is drawn on, what shows, copies and what becomes one.

use super::*;

#[test]
fn merged_layers_look_as_they_did() {
    let mut merged = 0;
    for seed in 1..=40 {
        let (mut document, mut dice) = (Document::new(SIZE, [250, 250, 240]), Dice(seed * 104_729));
        for _ in 0..20 {
            anything(&mut document, &mut dice);
        }
        let (id, before, layers) = (dice.layer(&document), bytes(&document), document.layers().len());
        if !document.can_merge_down(id) {
            assert!(document.merge_down(id).is_none() && bytes(&document) == before);
            continue;
        }
        let new = document.merge_down(id).unwrap();
        let after = bytes(&document);
        let worst = before.iter().zip(&after).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= 2, "seed {seed}: off by {worst}");
        assert_eq!((document.layers().len(), document.active()), (layers - 1, new));
        assert!(document.layers().iter().any(|layer| layer.kind() == LayerKind::Ink));
        assert!(document.undo() && bytes(&document) == before && document.layers().len() == layers);
        merged += 1;
    }
    assert!(merged > 8, "only {merged} were merged");
}

#[test]
fn hidden_layers_and_the_lowest_are_not_merged() {
    let mut document = Document::new(SIZE, [255; 3]);
    let lowest = document.active();
    assert!(document.merge_down(lowest).is_none());
    let above = document.add_ink_layer();
    document.set_visible(lowest, false);
    assert!(!document.can_merge_down(above));
    document.set_visible(lowest, true);
    document.set_opacity(above, 0.0);
    assert!(document.merge_down(above).is_none());
    document.set_opacity(above, 0.5);
    assert!(document.merge_down(above).is_some());
}

#[test]
fn a_copy_lies_over_its_layer_and_has_its_own_ink() {
    let mut document = Document::new(SIZE, [255; 3]);
    let first = document.active();
    stroke(&mut document, hard([200, 0, 0], 20.0), &[(30.0, 30.0), (60.0, 30.0)]);
    document.set_opacity(first, 0.5);
    let copy = document.duplicate_layer(first).unwrap();
    let second = document.duplicate_layer(copy).unwrap();
    let names: Vec<&str> = document.layers().iter().map(Layer::name).collect();
    assert_eq!(names, ["Ink 1", "Ink 1 copy", "Ink 1 copy 2"]);
    assert_eq!((document.active(), document.layers()[2].opacity()), (second, 0.5));
    document.remove_layer(copy);
    document.set_visible(first, false);
    let before = document.pick(45.0, 30.0);
    assert_ne!(before, Some([255; 3]), "the copy has no ink");
    stroke(&mut document, hard([0, 0, 200], 20.0), &[(30.0, 30.0), (60.0, 30.0)]);
    document.set_visible(second, false);
    document.set_visible(first, true);
    assert_eq!(document.pick(45.0, 30.0), before, "the first layer took the copy's stroke");
}

#[test]
fn the_last_ink_layer_stays() {
    let mut document = Document::new(SIZE, [255; 3]);
    let first = document.active();
    document.add_picture(&Frame::filled(SIZE, [9; 4]), "Picture");
    assert!(!document.remove_layer(first));
    let second = document.add_ink_layer();
    assert!(document.remove_layer(second) && document.active() == first);
    assert!(document.undo() && document.active() == second);
    assert!(document.undo() && document.active() == first);
}

#[test]
fn unknown_layers_are_refused() {
    let mut document = Document::new(SIZE, [255; 3]);
    let gone = document.add_ink_layer();
    document.remove_layer(gone);
    let revision = document.revision();
    assert!(!document.set_active(gone) && !document.set_visible(gone, false) && !document.remove_layer(gone));
    assert!(!document.set_opacity(gone, 0.5) && !document.move_layer(gone, 0));
    assert_eq!(document.revision(), revision);
}

#[test]
fn a_layer_that_cannot_be_seen_is_hidden() {
    let mut document = Document::new(Size::square(64), [255; 3]);
    ring(&mut document, pen([0; 3], 1.0));
    let layer = document.active();
    assert!(!document.has_hidden() && document.is_active_visible());
    document.set_opacity(layer, 0.0);
    assert!(document.has_hidden() && !document.is_active_visible());
    assert!(!document.begin_stroke(pen([0; 3], 1.0), StrokePoint::new(9.0, 9.0, 0.0)));
}

#[test]
fn a_live_picture_that_is_kept_lies_under_all_layers() {
    let mut document = Document::new(Size::square(64), [255; 3]);
    ring(&mut document, pen([0, 90, 0], 1.0));
    document.add_ink_layer();
    let seen = FittedPicture::covering(&Frame::filled(Size::square(8), [9, 9, 200, 255]), Size::square(64));
    let layer = document.add_fitted_below(seen, "Camera").unwrap();
    assert_eq!(document.layers()[0].id(), layer);
    assert_eq!(document.pick(52.0, 32.0), Some([0, 90, 0]), "the ink is still over it");
    assert!(document.undo() && document.layers().len() == 2);
}

#[test]
fn hidden_layers_take_no_ink() {
    let mut document = Document::new(SIZE, [255; 3]);
    document.set_visible(document.active(), false);
    assert!(!document.begin_stroke(Brush::default(), StrokePoint::new(9.0, 9.0, 0.0)) && !document.is_stroking());
    assert!(!document.fill(9.0, 9.0, [0; 3], 9));
}

#[test]
fn a_layer_is_called_as_one_likes() {
    let mut document = Document::new(Size::square(64), [255; 3]);
    let (first, second) = (document.active(), document.add_ink_layer());
    let names = |document: &Document| document.layers().iter().map(|l| l.name().to_owned()).collect::<Vec<_>>();
    assert!(document.rename_layer(first, "  Sky\u{7}\n "));
    assert!(document.rename_layer(second, "Sky"), "two of a name are told apart");
    assert_eq!(names(&document), ["Sky", "Sky 2"]);
    assert!(!document.rename_layer(second, "Sky"), "its own name is free for it");
    assert!(!document.rename_layer(first, "Sky") && !document.rename_layer(first, " \t "), "nothing changes");
    assert!(document.rename_layer(first, &"x".repeat(1000)));
    assert_eq!(document.layers()[0].name().chars().count(), Document::LONGEST_NAME);
    document.undo();
    document.undo();
    assert_eq!((names(&document), document.redo_name()), (vec!["Sky".into(), "Ink 2".into()], Some("layer name")));
    document.remove_layer(second);
    assert!(!document.rename_layer(second, "gone"));
}

#[test]
fn a_painting_lies_over_all_and_is_drawn_on() {
    let mut document = Document::new(SIZE, [255; 3]);
    document.fill(1.0, 1.0, [200, 0, 0], 16);
    let above = document.add_ink_layer();
    document.set_active(document.layers()[0].id());
    let (before, active) = (bytes(&document), document.active());
    let painting = |size| FittedPicture::covering(&Frame::filled(size, [1, 2, 3, 255]), size);
    assert!(document.add_fitted_above(painting(Size::square(8)), "Painting").is_none(), "of another canvas");
    let first = document.add_fitted_above(painting(SIZE), "Painting").unwrap();
    let second = document.add_fitted_above(painting(SIZE), "Painting").unwrap();
    let names: Vec<&str> = document.layers().iter().skip(1).map(Layer::name).collect();
    assert_eq!(names[1..], ["Painting", "Painting 2"]);
    assert_eq!((document.active(), document.pick(1.0, 1.0)), (second, Some([1, 2, 3])));
    assert!(document.layers().iter().all(|layer| layer.kind() == LayerKind::Ink));
    assert!(document.undo() && document.active() == first);
    assert!(document.undo() && document.active() == active && bytes(&document) == before);
    assert_eq!(document.layers().last().unwrap().id(), above);
}
