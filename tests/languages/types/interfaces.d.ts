// What a component imports is there only within one.
declare module "alluvium:checkpoint/logging@0.2.0";
declare module "alluvium:checkpoint/sink@0.2.0";
declare module "alluvium:checkpoint/state@0.2.0";
declare module "alluvium:checkpoint/time@0.2.0";
