// Defines the symbol that the generated keyed_timed_plugin.c requires. wit-bindgen would link an object here that holds
// the world in binary form. build.sh embeds the world from wasm/wit instead, so this function is empty.
void __component_type_object_force_link_keyed_timed_plugin(void) {}
