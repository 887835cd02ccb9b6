namespace QbSync.Host.Commands.Demo;

/// <summary>The two machines that a demo plays on: with clients over folders, or with real qBittorrents.</summary>
internal interface IDemoStage : IAsyncDisposable
{
    /// <summary>The destination's data folder, relative to the demo's.</summary>
    string DestinationData { get; }

    /// <summary>Puts the first two torrents at the source: B whole, A with nothing yet.</summary>
    Task PrepareAsync(DemoTorrents torrents, CancellationToken cancellationToken);

    /// <summary>Puts C at the source: a second name of a file that B has there. False where files have one name only; C is then a file of its own.</summary>
    Task<bool> AddLinkedAsync(DemoTorrents torrents, CancellationToken cancellationToken);

    /// <summary>Options of the source role, as a user would give them, without the destination's address.</summary>
    IReadOnlyDictionary<string, string> SourceOptions { get; }

    /// <summary>Options of the destination role.</summary>
    IReadOnlyDictionary<string, string> DestinationOptions { get; }

    /// <summary>Lets A download; ends when the download does.</summary>
    Task DownloadAsync(DemoTorrents torrents, CancellationToken cancellationToken);

    /// <summary>What the clients themselves say that contradicts a finished sync, a line each.</summary>
    Task<IReadOnlyList<string>> FindFaultsAsync(DemoTorrents torrents, CancellationToken cancellationToken);
}
