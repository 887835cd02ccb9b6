namespace QbSync.Storage.Inspection;

/// <summary>What a check found of a file.</summary>
public enum FileMark
{
    /// <summary>Every piece that touches it matches.</summary>
    Good = 0,

    /// <summary>It differs.</summary>
    Bad = 1,

    /// <summary>It is selected and not on disk.</summary>
    Missing = 2,

    /// <summary>It is on disk and not in the manifest.</summary>
    Extra = 3,

    /// <summary>It cannot be read.</summary>
    Unreadable = 4,
}

/// <summary>Sorts marks.</summary>
public static class FileMarks
{
    /// <summary>Whether the torrent is not as it should be.</summary>
    public static bool IsBad(this FileMark mark) => mark is FileMark.Bad or FileMark.Missing or FileMark.Unreadable;
}
