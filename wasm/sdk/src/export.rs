//! Making a component of an operator.

/// Exports an operator as a component. It takes a function that makes the operator, and stands once in a crate of the
/// type `cdylib`. The name of the function is that of the operator, if it has none.
///
/// Built for other targets than `wasm32-wasip2`, it does nothing, so that the tests of the crate run natively.
///
/// ```
/// use alluvium_plugin::prelude::*;
///
/// #[derive(Row)]
/// struct Click {
///     page: String,
///     at: Time,
/// }
///
/// fn clicks() -> impl Operator {
///     Tumbling::minutes(5).by(|it: &Click| it.page.clone()).count()
/// }
/// alluvium_plugin::export!(clicks);
/// ```
///
/// An operator that [migrates](crate::Operator::migrate) the state of older versions is exported as such:
/// `alluvium_plugin::export!(clicks, migrates);`. Then a host that finds a state of another schema version offers to
/// migrate it.
#[macro_export]
macro_rules! export {
    ($make:path, migrates) => {
        $crate::export!(@ $make, $crate::component::export_migration!(Component with_types_in $crate::component::migrating););
    };
    ($make:path) => {
        $crate::export!(@ $make,);
    };
    (@ $make:path, $($migration:tt)*) => {
        #[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
        const _: () = {
            struct Component;
            impl $crate::component::Exported for Component {
                const NAME: &'static str = ::core::stringify!($make);
                fn make() -> ::std::boxed::Box<dyn $crate::Operator> {
                    ::std::boxed::Box::new($make())
                }
            }
            $crate::component::export_component!(Component with_types_in $crate::component::bindings);
            $($migration)*
        };
        #[cfg(not(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2")))]
        const _: fn() = || drop($make());
    };
}
