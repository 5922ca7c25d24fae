//! The parameters of the plugin, as the command line sets them.

use crate::failure::Failure;

/// Refuses a parameter that is set twice.
pub(super) fn check(given: &[(String, String)]) -> Result<(), Failure> {
    let is_twice = |at: usize| given[..at].iter().any(|(name, _)| *name == given[at].0);
    match (0..given.len()).find(|at| is_twice(*at)) {
        Some(at) => Err(Failure::at("--parameter", format!("sets {} twice", given[at].0)).hint("set it once")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_set_once() {
        let given = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect::<Vec<_>>();
        assert!(check(&given(&["a", "b"])).is_ok());
        let refused = check(&given(&["a", "b", "a"])).expect_err("it is set twice").to_string();
        assert!(refused.contains("sets a twice"), "{refused}");
    }
}
