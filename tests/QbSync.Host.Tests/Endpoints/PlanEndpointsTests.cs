using System.Net;
using System.Text;
using System.Text.Json;
using QbSync.Engine.Plans;
using QbSync.Host.Commands.Control;
using QbSync.Host.Tests.Reporting;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Endpoints;

/// <summary>Plans over HTTP, and as they are shown in a terminal.</summary>
[HostCase(40)]
internal sealed class PlanEndpointsTests
{
    [Test]
    public async Task Plan_IsToldWithItsSums()
    {
        await using var lab = new StatusLab();
        using var http = new HttpClient { BaseAddress = await lab.ListenAsync() };
        var body = await http.GetByteArrayAsync("/api/v1/plan");
        using var told = JsonDocument.Parse(body);
        var row = told.RootElement.GetProperty("torrents")[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(row.GetProperty("hash").GetString(), Is.EqualTo($"{StatusLab.Id(1)}"));
            Assert.That(row.GetProperty("name").GetString(), Is.EqualTo("film\\u202e"));
            Assert.That(row.GetProperty("action").GetString(), Is.EqualTo("sync"));
            Assert.That(told.RootElement.GetProperty("totals").GetProperty("bytesToSend").GetInt64(), Is.EqualTo(3 << 20));
            Assert.That(told.RootElement.GetProperty("problem").ValueKind, Is.EqualTo(JsonValueKind.Null));
            Assert.That(PlanText.OfPlan(body).Split(Environment.NewLine), Is.EqualTo((string[])
            [
                $"sync      film\\u202e ({StatusLab.Id(1)}): the destination does not have it; 3 MiB to send",
                $"keep      song ({StatusLab.Id(2)}): space is not short",
                "2 torrents: 3 MiB to send, 0 B to link, 0 B to free.",
            ]));
        }
    }

    [Test]
    public async Task Explanation_IsToldWithTheOptionsThatGovern()
    {
        await using var lab = new StatusLab();
        using var http = new HttpClient { BaseAddress = await lab.ListenAsync() };
        var body = await http.GetByteArrayAsync($"/api/v1/torrents/{StatusLab.Id(2)}/explain");
        Assert.That(PlanText.OfExplanation(body).Split(Environment.NewLine), Is.EqualTo((string[])
        [
            $"keep      song ({StatusLab.Id(2)}): space is not short",
            "",
            "Whether it may be handed over:",
            "  NO   it has seeded long enough: 30 min of 1 h (--min-seeding-time)",
        ]));
    }

    [Test]
    public async Task Plan_WhileNothingIsKnown_IsRefusedAsNotThereYet()
    {
        await using var lab = new StatusLab();
        using var http = new HttpClient { BaseAddress = await lab.ListenAsync() };
        lab.Plan = new SourcePlan { At = default, Problem = "The client is down." };
        Assert.That(await AskAsync("/api/v1/plan"), Is.EqualTo((HttpStatusCode.ServiceUnavailable, """{"error":"The client is down."}""")));
        lab.Plan = null;
        Assert.That(await AskAsync("/api/v1/plan"), Is.EqualTo((HttpStatusCode.ServiceUnavailable, """{"error":"the source does not run"}""")));
        Assert.That((await AskAsync($"/api/v1/torrents/{StatusLab.Id(2)}/explain")).Code, Is.EqualTo(HttpStatusCode.ServiceUnavailable));

        async Task<(HttpStatusCode Code, string Body)> AskAsync(string path)
        {
            using var answer = await http.GetAsync(path);
            return (answer.StatusCode, Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync()));
        }
    }
}
