using QbSync.Engine;

namespace QbSync.ClientTests;

/// <summary>What a lab is to be like, where it is not plain.</summary>
internal sealed record DestinationLabOptions
{
    /// <summary>When the client checks.</summary>
    public RecheckPolicy Recheck { get; init; }

    /// <summary>The data root as the client is said to see it, from what it is; the same when null.</summary>
    public Func<string, string>? SavePath { get; init; }

    /// <summary>Further settings of the client, from its folder.</summary>
    public Func<string, Dictionary<string, string>>? MakeSession { get; init; }

    /// <summary>What is started in the client's place, from its path and a folder to write to.</summary>
    public Func<string, TempDirectory, string>? WrapExecutable { get; init; }
}
