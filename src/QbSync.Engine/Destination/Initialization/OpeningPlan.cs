using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Initialization;

/// <summary>What an Init asks for, checked without any effect: the selection, the place and the name of each file. Pure.</summary>
/// <param name="Store">What the store is to be asked, unless refused.</param>
/// <param name="OwnNames">Whether names of the source's client were given and not taken.</param>
/// <param name="Refusal">Why not.</param>
internal sealed record OpeningPlan(StoreRequest? Store, bool OwnNames, Refusal? Refusal)
{
    /// <summary>Folders of a sub path at most.</summary>
    private const int MaxSubPathParts = 32;

    /// <summary>Checks what an Init says before the <c>.torrent</c> is looked at; null when it may go on.</summary>
    public static Refusal? CheckEnvelope(InitRequest request)
    {
        if (request.Id.Length == 0)
        {
            return new Refusal(RefusalReason.Malformed, "The torrent id has neither 20 nor 32 bytes.");
        }

        if (request.Place.SubPath.Count > MaxSubPathParts || !Enum.IsDefined(request.Place.Layout))
        {
            return new Refusal(RefusalReason.Malformed, $"The place has more than {MaxSubPathParts} folders or an unknown layout.");
        }

        if (request.Place.Root is not ("" or GrantRules.DataRoot))
        {
            return new Refusal(RefusalReason.PathRefused, "The destination has no root of that name.");
        }

        return request.Place.SubPath.Count > 0 && PathRules.CheckPath(request.Place.SubPath) is { } fault
            ? new Refusal(RefusalReason.PathRefused, $"The sub path cannot be used ({fault.Kind}).")
            : null;
    }

    /// <summary>Plans an opening for a manifest that was parsed here and has the id that was asked for.</summary>
    /// <param name="canRename">Whether the client here can be told other names than those of the manifest.</param>
    public static OpeningPlan Make(TorrentManifest manifest, ReadOnlyMemory<byte> torrent, Caller caller, InitRequest request, bool canRename)
    {
        if (!Selection.TryFromBytes(manifest, request.Selection.Span, out var selection))
        {
            return Refuse(RefusalReason.Malformed, "The selection does not fit the torrent's file list.");
        }

        if (selection!.IsEmpty)
        {
            return Refuse(RefusalReason.Malformed, "No file is selected.");
        }

        var derived = ContentPaths.Of(manifest, request.Place.Layout);
        if (Check(manifest, request.Place, derived) is { } refusal)
        {
            return new OpeningPlan(null, false, refusal);
        }

        var given = GetGivenNames(manifest, derived, request.Files);
        IReadOnlyList<string>[] wanted = [.. (given ?? derived).Select(ClientMarks.Remove)];
        var taken = canRename && Check(manifest, request.Place, wanted) is null;
        return new OpeningPlan(
            new StoreRequest
            {
                Source = caller.Source,
                Peer = caller.Peer,
                Manifest = manifest,
                Torrent = torrent,
                Selection = selection,
                Place = request.Place,
                Parameters = request.Parameters,
                FileNames = [.. manifest.Files.Select(file => file.IsReal ? (taken ? wanted : derived)[file.Index] : [])],
                Identities = GetIdentities(manifest, request.Files),
                FilesDigest = request.FilesDigest,
            },
            given is not null && !taken,
            null);
    }

    /// <summary>
    /// Plans another shape of a torrent that is stored: names and identities that the source did not send again, since they are as before, are kept.
    /// </summary>
    public static OpeningPlan Reshape(StoreRequest stored, Caller caller, InitRequest request, bool canRename)
    {
        var tellsFiles = request.Files is not null;
        if (!tellsFiles && !request.FilesDigest.IsEmpty && !request.FilesDigest.Span.SequenceEqual(stored.FilesDigest.Span))
        {
            return Refuse(RefusalReason.FilesNeeded, "The file table that is stored here is another one.");
        }

        var plan = Make(stored.Manifest, stored.Torrent, caller, request, canRename);
        if (plan.Store is not { } next || tellsFiles)
        {
            return plan;
        }

        next = next with { Identities = stored.Identities, FilesDigest = stored.FilesDigest };
        var keeps = stored.Place.Layout == request.Place.Layout && Check(stored.Manifest, request.Place, stored.FileNames) is null;
        return plan with { Store = keeps ? next with { FileNames = stored.FileNames } : next };
    }

    /// <summary>Identities by the manifest's index, as the store keeps them; empty when the source tells none.</summary>
    public static IReadOnlyList<FileIdentity?> GetIdentities(TorrentManifest manifest, IReadOnlyList<SourceFile>? files)
    {
        if (files is null || files.All(static file => file.Identity is null))
        {
            return [];
        }

        var identities = new FileIdentity?[manifest.Files.Count];
        foreach (var file in files)
        {
            if ((uint)file.FileIndex < (uint)identities.Length)
            {
                identities[file.FileIndex] = file.Identity;
            }
        }

        return identities;
    }

    private static OpeningPlan Refuse(RefusalReason reason, string detail) => new(null, false, new Refusal(reason, detail));

    private static Refusal? Check(TorrentManifest manifest, Place place, IReadOnlyList<IReadOnlyList<string>> names) =>
        PathRules.CheckAll(manifest.Files.Where(static file => file.IsReal).Select(file => (IReadOnlyList<string>)[.. place.SubPath, .. names[file.Index]])) is { } fault
            ? new Refusal(RefusalReason.InvalidTorrent, Shorten($"File names cannot be written ({fault.Kind}): {fault.Path}{(fault.Other is null ? "" : $" and {fault.Other}")}"))
            : null;

    /// <summary>The derived names with the source's in their places; null when the source gave none that differ.</summary>
    private static List<IReadOnlyList<string>>? GetGivenNames(
        TorrentManifest manifest, IReadOnlyList<IReadOnlyList<string>> derived, IReadOnlyList<SourceFile>? files)
    {
        List<IReadOnlyList<string>>? names = null;
        foreach (var file in files ?? [])
        {
            if (file.Name.Count > 0 && (uint)file.FileIndex < (uint)manifest.Files.Count && !file.Name.SequenceEqual(derived[file.FileIndex]))
            {
                names ??= [.. derived];
                names[file.FileIndex] = file.Name;
            }
        }

        return names;
    }

    private static string Shorten(string text) => text.Length <= 512 ? text : text[..512];
}
