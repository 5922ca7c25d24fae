//! Derives `Row` of the crate `alluvium-plugin`, which documents it.

use proc_macro::TokenStream;
use quote::quote;
use syn::{
    Data, DeriveInput, Error, Field, Fields, GenericArgument, Ident, LitStr, PathArguments, Type, parse_macro_input,
};

/// Derives `Row`: each field of a struct is read from the column of its name, or of the name that
/// `#[row(column = "…")]` gives it.
#[proc_macro_derive(Row, attributes(row))]
pub fn row(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn derive(input: &DeriveInput) -> Result<proc_macro2::TokenStream, Error> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(input, "a row is a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(input, "a row has named fields, which are those of the columns"));
    };
    let mut names = Vec::<&Ident>::new();
    let mut columns = Vec::new();
    for field in &fields.named {
        names.extend(&field.ident);
        columns.push(column(field)?);
    }
    let times: Vec<&Field> = fields.named.iter().filter(|field| is_time(&field.ty)).collect();
    // Which of several is meant, only the author knows.
    let time = if let [Field { ident: Some(name), .. }] = times.as_slice() {
        quote! { ::core::convert::Into::into(self.#name) }
    } else {
        quote! { ::core::option::Option::None }
    };
    let indexes = 0..columns.len();
    let name = &input.ident;
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    Ok(quote! {
        impl #generics ::alluvium_plugin::Row for #name #arguments #conditions {
            const COLUMNS: &'static [&'static str] = &[#(#columns),*];
            fn read(fields: &::alluvium_plugin::Fields<'_>) -> ::core::result::Result<Self, ::std::string::String> {
                ::core::result::Result::Ok(Self { #(#names: fields.read(#indexes, #columns)?),* })
            }
            fn time(&self) -> ::core::option::Option<::alluvium_plugin::Time> {
                #time
            }
        }
    })
}

/// Whether a type is `Time`, or `Option` of it.
fn is_time(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    match &last.arguments {
        PathArguments::None => last.ident == "Time",
        PathArguments::AngleBracketed(arguments) if last.ident == "Option" => {
            matches!(arguments.args.first(), Some(GenericArgument::Type(of)) if is_time(of))
        }
        _ => false,
    }
}

/// Returns the name of a field's column.
fn column(field: &Field) -> Result<String, Error> {
    let mut column = None;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("row")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("column") {
                return Err(meta.error("there is `column = \"NAME\"`"));
            }
            column = Some(meta.value()?.parse::<LitStr>()?.value());
            Ok(())
        })?;
    }
    let name = || field.ident.as_ref().map(|name| name.to_string().trim_start_matches("r#").to_owned());
    column.or_else(name).ok_or_else(|| Error::new_spanned(field, "a field has a name"))
}
