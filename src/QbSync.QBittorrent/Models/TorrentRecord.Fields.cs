namespace QbSync.QBittorrent.Models;

public sealed partial record TorrentRecord
{
    private TorrentTexts _texts;
    private TorrentNumbers _numbers;

    // Bit i: number i was told. A null of the public face may be told all the same, as completed "never".
    private uint _told;

    internal string? Get(TorrentText field) => _texts[(int)field];

    /// <summary>For the reader alone, before anyone else sees the record.</summary>
    internal void Set(TorrentText field, string? value) => _texts[(int)field] = value;

    /// <inheritdoc cref="Set(TorrentText, string)" />
    internal void Set(TorrentNumber field, long? value)
    {
        if (value is { } told)
        {
            _numbers[(int)field] = told;
            _told |= 1u << (int)field;
        }
        else
        {
            _numbers[(int)field] = 0;
            _told &= ~(1u << (int)field);
        }
    }

    /// <inheritdoc cref="Set(TorrentText, string)" />
    internal void Set(TorrentNumber field, double? value) => Set(field, value is { } told ? BitConverter.DoubleToInt64Bits(told) : null);

    /// <inheritdoc cref="Set(TorrentText, string)" />
    internal void Set(TorrentNumber field, bool? value) => Set(field, value is { } told ? told ? 1L : 0L : null);

    /// <summary>Takes every field that is not told here from <paramref name="known"/>. In place, by who read this record and has shown it to nobody yet.</summary>
    internal void FillFrom(TorrentRecord known)
    {
        for (var i = 0; i < TorrentTexts.Count; i++)
        {
            _texts[i] ??= known._texts[i];
        }

        for (var lacking = known._told & ~_told; lacking != 0; lacking &= lacking - 1)
        {
            var i = System.Numerics.BitOperations.TrailingZeroCount(lacking);
            _numbers[i] = known._numbers[i];
        }

        _told |= known._told;
    }

    private bool IsTold(TorrentNumber field) => (_told & (1u << (int)field)) != 0;

    private long? Integer(TorrentNumber field) => IsTold(field) ? _numbers[(int)field] : null;

    private long? Time(TorrentNumber field) => _numbers[(int)field] is > 0 and var seconds ? seconds : null;

    private long? Count(TorrentNumber field) => IsTold(field) && _numbers[(int)field] >= 0 ? _numbers[(int)field] : null;

    private double? Fraction(TorrentNumber field) => IsTold(field) ? BitConverter.Int64BitsToDouble(_numbers[(int)field]) : null;

    private bool? Flag(TorrentNumber field) => IsTold(field) ? _numbers[(int)field] != 0 : null;
}
