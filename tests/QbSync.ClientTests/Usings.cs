global using QbSync.Testing.Machine;
global using QbSync.Testing.Torrents;
global using QbSync.Testing.Waiting;

// The tests that may run side by side wait for clients most of the time.
[assembly: LevelOfParallelism(3)]
