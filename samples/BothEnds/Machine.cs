namespace BothEnds;

/// <summary>The folders of one end.</summary>
internal sealed class Machine(string folder)
{
    public string Data { get; } = Directory.CreateDirectory(Path.GetFullPath(Path.Combine(folder, "data"))).FullName;

    public string Torrents { get; } = Directory.CreateDirectory(Path.GetFullPath(Path.Combine(folder, "torrents"))).FullName;

    public string State { get; } = Path.GetFullPath(Path.Combine(folder, "state"));
}
