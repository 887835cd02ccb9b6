namespace QbSync.Engine.Source.Cleanup;

/// <summary>All torrents in the groups that share files, at one look at the disk. Immutable.</summary>
/// <param name="Groups">The groups.</param>
/// <param name="Failed">Paths at which the system did not tell what stands there.</param>
internal sealed record GroupLook(IReadOnlyList<LinkedGroup> Groups, IReadOnlyList<string> Failed)
{
    /// <summary>Looks; null while it is not known which files every torrent has.</summary>
    public static GroupLook? At(PathIndex index, CancellationToken cancellationToken) =>
        index.Survey(cancellationToken) is { } survey ? new GroupLook(HardlinkGroups.Build(survey.Torrents), survey.Failed) : null;
}
