using System.Security.Cryptography;

namespace QbSync.Transport.Security;

/// <summary>The code that a person carries from one side to the other: 80 random bits, so that trying them is hopeless even for who has recorded an exchange.</summary>
internal static class OneTimeCode
{
    public const int Characters = 16;
    private const int Bytes = 10;
    private const int GroupLength = 4;

    public static string Make()
    {
        var text = Base32.Encode(RandomNumberGenerator.GetBytes(Bytes));
        return string.Join('-', text.Chunk(GroupLength).Select(static group => new string(group)));
    }

    /// <summary>The key that both ends make of the code; null when the text is none.</summary>
    public static byte[]? ToKey(string code)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        return Base32.ReadValues(code, Characters) is { Length: Characters } values && Base32.TryDecode(values, bytes)
            ? HKDF.DeriveKey(HashAlgorithmName.SHA256, bytes.ToArray(), PairingFile.KeyBytes, "qbsync/pair/1"u8.ToArray())
            : null;
    }
}
