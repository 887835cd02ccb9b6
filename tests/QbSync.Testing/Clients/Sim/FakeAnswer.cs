using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace QbSync.Testing.Clients.Sim;

/// <summary>What the fake server says.</summary>
public sealed record FakeAnswer(HttpStatusCode Status, string? ContentType, byte[] Body)
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A Set-Cookie line.</summary>
    public string? Cookie { get; init; }

    public static FakeAnswer Json(JsonNode body) => new(HttpStatusCode.OK, "application/json", Encoding.UTF8.GetBytes(body.ToJsonString(Plain)));

    public HttpResponseMessage ToResponse()
    {
        var response = new HttpResponseMessage(Status) { Content = new ByteArrayContent(Body) };
        if (ContentType is not null)
        {
            response.Content.Headers.TryAddWithoutValidation("Content-Type", ContentType);
        }

        if (Cookie is not null)
        {
            response.Headers.TryAddWithoutValidation("Set-Cookie", Cookie);
        }

        return response;
    }
}
