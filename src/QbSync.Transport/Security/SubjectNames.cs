using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace QbSync.Transport.Security;

/// <summary>The DNS names and URIs that a certificate is for. Names of other kinds, the common name too, count for nothing.</summary>
internal static class SubjectNames
{
    private const string Extension = "2.5.29.17"; // subjectAltName, RFC 5280 4.2.1.6
    private const int DnsTag = 2;
    private const int UriTag = 6;

    public static IReadOnlyList<string> Read(X509Certificate2 certificate)
    {
        List<string> names = [];
        try
        {
            foreach (var extension in certificate.Extensions.Where(static extension => extension.Oid?.Value == Extension))
            {
                var sequence = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
                while (sequence.HasData)
                {
                    var tag = sequence.PeekTag();
                    if (tag is { TagClass: TagClass.ContextSpecific, TagValue: DnsTag or UriTag })
                    {
                        names.Add(sequence.ReadCharacterString(UniversalTagNumber.IA5String, tag));
                    }
                    else
                    {
                        sequence.ReadEncodedValue();
                    }
                }
            }
        }
        catch (AsnContentException)
        {
            return [];
        }

        return names;
    }

    /// <summary>Exactly: DNS names have no case, URIs do.</summary>
    public static bool Has(IReadOnlyList<string> names, string wanted) => names.Contains(
        wanted, wanted.Contains(':', StringComparison.Ordinal) ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase);
}
