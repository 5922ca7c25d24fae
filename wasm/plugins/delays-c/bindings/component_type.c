// The generated plugin.c asks the linker for an object in which wit-bindgen keeps the world in binary
// form. build.sh takes the world from wasm/wit instead, so there is nothing to be linked.
void __component_type_object_force_link_plugin(void) {}
