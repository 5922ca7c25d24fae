//! The parameters of the plugin, as the command line sets them.

use std::collections::BTreeMap;

use crate::failure::Failure;

/// Returns the parameters by their names. None of them may be set twice.
pub(super) fn by_name(given: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let mut parameters = BTreeMap::new();
    for (name, value) in given {
        if parameters.insert(name.clone(), value.clone()).is_some() {
            return Err(Failure::at("--parameter", format!("sets {name} twice")).hint("set it once"));
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_set_once() {
        let given = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect::<Vec<_>>();
        assert!(by_name(&given(&["a", "b"])).is_ok());
        let refused = by_name(&given(&["a", "b", "a"])).expect_err("it is set twice").to_string();
        assert!(refused.contains("sets a twice"), "{refused}");
    }
}
