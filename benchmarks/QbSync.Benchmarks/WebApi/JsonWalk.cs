using System.Text.Json;

namespace QbSync.Benchmarks.WebApi;

/// <summary>The least that reading JSON costs: each token is looked at.</summary>
internal static class JsonWalk
{
    public static int Count(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        var count = 0;
        while (reader.Read())
        {
            count++;
        }

        return count;
    }
}
