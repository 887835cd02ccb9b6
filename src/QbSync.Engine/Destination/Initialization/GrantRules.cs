using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Initialization;

/// <summary>What a peer's grants say to what it asks for. Pure; looked at in each call, so that a changed grant counts from the next one on.</summary>
internal static class GrantRules
{
    /// <summary>Name of the root that every destination has.</summary>
    public const string DataRoot = "data";

    /// <summary>Whether a torrent may lie there under that category; null when it may.</summary>
    public static Refusal? CheckOpening(PeerGrants grants, InitRequest request) =>
        CheckRoot(grants, request.Place.Root) ?? CheckParameters(grants, request.Parameters);

    /// <summary>Whether the client may be told these; null when it may.</summary>
    public static Refusal? CheckParameters(PeerGrants grants, TorrentParameters parameters) =>
        parameters.Category.Length == 0 || grants.Categories is null || grants.Categories.Contains(parameters.Category, StringComparer.Ordinal)
            ? null
            : Refuse("the category of the torrent");

    /// <summary>Whether seeding may be started and stopped; null when it may.</summary>
    public static Refusal? CheckStart(PeerGrants grants) => grants.MayStart ? null : Refuse("starting and stopping torrents");

    /// <summary>What a peer is told that may not remove.</summary>
    public static Refusal RefuseDelete() => Refuse("removing unfinished files");

    private static Refusal? CheckRoot(PeerGrants grants, string root) =>
        grants.Roots is null || grants.Roots.Contains(root.Length == 0 ? DataRoot : root, StringComparer.Ordinal) ? null : Refuse("the root of the torrent");

    private static Refusal Refuse(string what) =>
        new(RefusalReason.NotGranted, $"The destination does not grant this source {what}; its owner can, by: qbsync pair --grant.");
}
