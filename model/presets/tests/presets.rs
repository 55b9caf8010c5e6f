//! The explorations that are known by name.

use std::collections::BTreeSet;

use zab_presets::Preset;

#[test]
fn larger_presets_hold_smaller_ones_and_nothing_twice() {
    let mut smaller = Vec::new();
    for preset in Preset::ALL {
        let explorations = preset.explorations();
        let names: Vec<&str> = explorations.iter().map(|exploration| exploration.name).collect();
        let bounds = explorations.iter().map(|e| (e.family.name(), e.family.to_string()));
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{preset:?}");
        assert_eq!(bounds.collect::<BTreeSet<_>>().len(), names.len(), "{preset:?}");
        assert!(smaller.iter().all(|name| names.contains(name)), "{preset:?}");
        assert!(names.len() > smaller.len(), "{preset:?}");
        smaller = names;
    }
}
