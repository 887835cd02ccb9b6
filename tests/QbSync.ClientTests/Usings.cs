global using QbSync.Testing.Machine;
global using QbSync.Testing.Torrents;
global using QbSync.Testing.Waiting;
