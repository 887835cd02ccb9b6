namespace QbSync.Testing.Clients.Sim;

/// <summary>How a client of one WebAPI version behaves where versions differ; as measured on 4.2.5, 4.5.2, 5.1.0 and 5.3.0.</summary>
/// <param name="Api">WebAPI version, as in 2.11.4.</param>
public sealed record SimGeneration(Version Api)
{
    /// <summary>Version of the client, for people and for app/version.</summary>
    public string Product => Api >= new Version(2, 16) ? "5.3.0" : Api >= new Version(2, 11) ? "5.1.0" : Api >= new Version(2, 8) ? "4.5.2" : "4.2.5";

    /// <summary>Version of libtorrent.</summary>
    public string Libtorrent => IsOldest ? "1.2.9.0" : "2.0.11.0";

    /// <summary>libtorrent 1.2: ids by v1, no v2-only torrents, pads listed, a stopped add checks by itself, seed mode at once.</summary>
    public bool IsOldest => Api < new Version(2, 8, 4);

    /// <summary>Tags may come with the add.</summary>
    public bool TagsInAdd => Api >= new Version(2, 6, 2);

    /// <summary>Files are renamed by path.</summary>
    public bool RenamesByPath => Api >= new Version(2, 8, 1);

    /// <summary>The .torrent can be had.</summary>
    public bool Exports => Api >= new Version(2, 8, 18);

    /// <summary>A delete without files takes complete files of priority 0 along.</summary>
    public bool DeletesUnselected => !Exports;

    /// <summary>Pause is stop, resume is start.</summary>
    public bool SaysStop => Api >= new Version(2, 11);

    /// <summary>A torrent with missing files stays so when it is started, instead of downloading.</summary>
    public bool KeepsMissing => SaysStop;

    /// <summary>A recheck clears the pieces at once, while the state is stale for a tick longer.</summary>
    public bool RecheckClearsPieces => SaysStop;

    /// <summary>Of two renames in a row the first is lost.</summary>
    public bool LosesFirstOfTwoRenames => !IsOldest && Api < new Version(2, 14);

    /// <summary>Logins are answered 204 and 401, adds in JSON.</summary>
    public bool AnswersByStatus => Api >= new Version(2, 14);

    /// <summary>There are API keys.</summary>
    public bool HasKeys => Api >= new Version(2, 14, 1);

    /// <summary>It takes HTTP Basic itself.</summary>
    public bool TakesBasic => Api >= new Version(2, 15);

    /// <summary>Seed mode is asked for as seedMode, no longer as skip_checking.</summary>
    public bool SaysSeedMode => Api >= new Version(2, 16);

    /// <summary>Every torrent-side difference of the newest that was measured.</summary>
    public static SimGeneration Newest { get; } = new(new Version(2, 16, 2));
}
