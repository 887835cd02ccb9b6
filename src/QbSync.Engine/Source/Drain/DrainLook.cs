using QbSync.Engine.Source.Cleanup;
using QbSync.Ports;

namespace QbSync.Engine.Source.Drain;

/// <summary>Who shares files with whom, as far as a drain asks. Immutable.</summary>
/// <param name="Parts">By torrent, the part that it is in.</param>
internal sealed record DrainLook(IReadOnlyDictionary<ClientTorrentId, DrainPart> Parts)
{
    /// <summary>Nothing is known.</summary>
    public static DrainLook Nothing { get; } = new(new Dictionary<ClientTorrentId, DrainPart>());

    /// <summary>Sorts the groups into parts that share paths.</summary>
    /// <param name="look">Every torrent of the client. On a device of which a path could not be looked at, whose that is may be anybody's.</param>
    /// <param name="deviceOf">The device of a path; null when that is not known either.</param>
    public static DrainLook Of(GroupLook look, Func<string, ulong?> deviceOf)
    {
        Dictionary<ClientTorrentId, DrainPart> parts = [];
        var unknown = look.Failed.Select(path => (Path: path, Device: deviceOf(path))).ToArray();
        foreach (var group in look.Groups)
        {
            foreach (var members in group.PathParts)
            {
                var devices = members.SelectMany(static member => member.Files).Select(static file => file.Inode?.Id.Device).OfType<ulong>().ToHashSet();
                var failed = Array.Find(unknown, item => item.Device is not { } device || devices.Contains(device));
                var part = new DrainPart(
                    [.. members.Select(static member => member.Id)],
                    LinkedGroup.FreesOf(members).Values.Sum(),
                    failed.Path is null ? group.Doubt : $"'{failed.Path}' cannot be looked at");
                foreach (var member in members)
                {
                    parts[member.Id] = part;
                }
            }
        }

        return new DrainLook(parts);
    }
}

/// <summary>Torrents that share paths, and leave together or not at all.</summary>
/// <param name="Members">At least one.</param>
/// <param name="FreesBytes">What is free when all are gone.</param>
/// <param name="Doubt">Why it is not sure that nobody else uses their files; else empty.</param>
internal sealed record DrainPart(IReadOnlyList<ClientTorrentId> Members, long FreesBytes, string Doubt)
{
    /// <summary>One part is one object.</summary>
    public bool Equals(DrainPart? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}
