using QbSync.Engine.Destination;
using QbSync.Engine.Source.Tracking;
using QbSync.Ports;

namespace QbSync.Engine;

/// <summary>Where paths of a client are on this machine, as the engines see it. Immutable.</summary>
public sealed class LocalPaths
{
    private readonly Func<string, string?> _find;

    private LocalPaths(Func<string, string?> find) => _find = find;

    /// <summary>As a source maps them.</summary>
    public static LocalPaths Of(SourceOptions options, ClientDescription client)
    {
        var map = new PathMap(options, client);
        return new LocalPaths(path => map.ToLocal(ClientPath.Split(path)));
    }

    /// <summary>As a destination maps them: its client's save path is its data folder.</summary>
    public static LocalPaths Of(DestinationOptions options) => new(path =>
        ClientPaths.TryGetBelow(options.SavePath, path) is { } below ? Path.Combine([options.DataRoot, .. below]) : null);

    /// <summary>The local path of a client's; null when nothing says where it is.</summary>
    public string? Find(string clientPath) => _find(clientPath);
}
