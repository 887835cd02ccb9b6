using System.Text.RegularExpressions;
using QbSync.Host.Configuration;
using QbSync.Testing.Specifications;
using YamlDotNet.RepresentationModel;

namespace QbSync.Host.Tests.Deployment;

/// <summary>What the files of <c>deploy/</c> say of the executable is so: options, variables, values, commands, ports, times.</summary>
[HostCase(48)]
internal sealed partial class DeployFilesTests
{
    private const string Compose = "deploy/compose/compose.yml";
    private const string Dockerfile = "deploy/docker/Dockerfile";

    private static readonly Roles[] Both = [Roles.Source, Roles.Destination];

    [Test]
    public void Variables_Each_IsOneOfTheCatalog()
    {
        var known = Both.SelectMany(role => OptionCatalog.For(role).Select(option => option.GetEnvironmentName(role))).ToHashSet();
        var pages = new[] { "docker", "systemd", "kubernetes" }.Select(name => $"docs/{name}.md");
        Assert.That(
            DeployFile.All.Concat(pages)
                .SelectMany(file => Variable().Matches(DeployFile.Read(file)).Select(match => (file, match.Value)))
                .Where(found => !known.Contains(found.Value) && !(found.Value.EndsWith("_FILE", StringComparison.Ordinal) && known.Contains(found.Value[..^5]))),
            Is.Empty);
    }

    /// <summary>The values are taken, all of them together, and nothing that is required is missing.</summary>
    [TestCaseSource(nameof(Environments))]
    public void Values_OfEachPlace_AreTaken(Roles role, string place, IReadOnlyDictionary<string, string> variables)
    {
        using var folder = new TempDirectory();
        var secret = folder["secret"];
        File.WriteAllText(secret, "not-a-password-of-anybody");
        var environment = variables.ToDictionary(variable => variable.Key, variable => variable.Key.EndsWith("_FILE", StringComparison.Ordinal) ? secret : variable.Value);
        environment["STATE_DIRECTORY"] = folder.CreateFolder("state");
        environment[$"QBSYNC_{role.ToString().ToUpperInvariant()}_DATA"] = folder.CreateFolder("data");
        Assert.That(variables.Keys, Does.Contain($"QBSYNC_{role.ToString().ToUpperInvariant()}_DATA"), place);
        var settings = RoleSettings.Read(role, new Dictionary<string, IReadOnlyList<string>>(), environment, out var errors);
        Assert.That(errors, Is.Empty);
        Assert.That(settings, Is.Not.Null);
    }

    [TestCaseSource(nameof(Both))]
    public void Commands_AreTheRole(Roles role)
    {
        var name = Name(role);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(DeployFile.ReadYaml(Compose)[0].Texts("services", name, "command"), Is.EqualTo(new[] { name }));
            Assert.That(Container(role).Texts("args"), Is.EqualTo(new[] { name }));
            Assert.That(Unit(role, "ExecStart"), Is.EqualTo($"/usr/bin/dotnet /opt/qbsync/qbsync.dll {name}"));
            Assert.That(DeployFile.Read(Dockerfile), Does.Contain("ENTRYPOINT [\"dotnet\", \"/app/qbsync.dll\"]"));
        }
    }

    [Test]
    public void Ports_AreThoseThatTheRolesListenOn()
    {
        var http = Regex.Match(DeployFile.Read(Dockerfile), @"HTTP_PORT=(\d+)").Groups[1].Value;
        var grpc = OptionCatalog.For(Roles.Destination).Single(option => option.Name == "listen").Default.TrimStart(':');
        var compose = DeployFile.ReadYaml(Compose)[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(DeployFile.Read(Dockerfile), Does.Contain($"EXPOSE {http} {grpc}\n"));
            foreach (var role in Both)
            {
                Assert.That(Container(role).Items("ports").First().Text("containerPort"), Is.EqualTo(http));
                Assert.That(compose.Texts("services", Name(role), "ports")[0], Does.Match($@"^127\.0\.0\.1:\d+:{http}$"), "the page is for this machine");
                Assert.That(DeployFile.Kind(Kubernetes(role), "Service").Items("spec", "ports").Select(port => port.Text("port")), Does.Contain(http));
            }

            Assert.That(Container(Roles.Destination).Text("ports", "1", "containerPort"), Is.EqualTo(grpc));
            Assert.That(Environment(Roles.Destination)["QBSYNC_DESTINATION_LISTEN"], Is.EqualTo($":{grpc}"));
            Assert.That(Environment(Roles.Source)["QBSYNC_SOURCE_DESTINATION_ADDR"], Does.EndWith($":{grpc}"));
        }
    }

    /// <summary>A source that drains has its drain's time and two minutes; a destination a minute and a quarter.</summary>
    [Test]
    public void Times_ToStop_AreThoseOfTheRoles()
    {
        var drain = OptionCatalog.For(Roles.Source).Single(option => option.Name == "drain-timeout").Default;
        Assert.That(drain, Is.EqualTo("5m"), "the times below are made from it");
        var compose = DeployFile.ReadYaml(Compose)[0];
        foreach (var (role, seconds) in new[] { (Roles.Source, "420"), (Roles.Destination, "75") })
        {
            using (Assert.EnterMultipleScope())
            {
                Assert.That(Pod(role).Text("terminationGracePeriodSeconds"), Is.EqualTo(seconds));
                Assert.That(compose.Text("services", Name(role), "stop_grace_period"), Is.EqualTo(seconds + "s"));
                Assert.That(Unit(role, "TimeoutStopSec"), Is.EqualTo(seconds));
            }
        }
    }

    /// <summary>Whose images are taken, and from where, is for who runs them to say.</summary>
    [Test]
    public void Images_NameNoRegistry()
    {
        var images = DeployFile.All.SelectMany(file => Image().Matches(DeployFile.Read(file)).Select(match => (file, Name: match.Groups["name"].Value.Trim('"')))).ToList();
        Assert.That(images, Has.Count.GreaterThanOrEqualTo(5));
        Assert.That(images.Where(image => image.Name.Split('/') is [var host, _, ..] && !host.StartsWith('$') && (host.Contains('.') || host.Contains(':'))), Is.Empty);
    }

    private static IEnumerable<TestCaseData> Environments()
    {
        foreach (var role in Both)
        {
            yield return Case(role, "compose", DeployFile.ReadYaml(Compose)[0].Entries("services", Name(role), "environment").Select(entry => (entry.Key, ((YamlScalarNode)entry.Value).Value!)));
            yield return Case(role, "kubernetes", Environment(role).Select(entry => (entry.Key, entry.Value)));
            yield return Case(
                role,
                "systemd",
                DeployFile.Read($"deploy/systemd/{Name(role)}.env").Split('\n').Where(line => line.StartsWith("QBSYNC_", StringComparison.Ordinal))
                    .Concat(DeployFile.Read($"deploy/systemd/qbsync-{Name(role)}.service").Split('\n').Where(line => line.StartsWith("Environment=QBSYNC_", StringComparison.Ordinal))
                        .Select(line => line["Environment=".Length..]))
                    .Select(line => line.Split('=', 2)).Select(parts => (parts[0], parts[1])));
        }

        static TestCaseData Case(Roles role, string place, IEnumerable<(string Key, string Value)> variables) =>
            new TestCaseData(role, place, variables.ToDictionary(variable => variable.Key, variable => variable.Value)).SetArgDisplayNames(role.ToString(), place);
    }

    private static string Name(Roles role) => role.ToString().ToLowerInvariant();

    private static string Kubernetes(Roles role) => $"deploy/kubernetes/base/{Name(role)}.yaml";

    private static YamlNode Pod(Roles role) => DeployFile.Kind(Kubernetes(role), "StatefulSet").At("spec", "template", "spec")!;

    private static YamlNode Container(Roles role) => Pod(role).At("containers", "0")!;

    private static Dictionary<string, string> Environment(Roles role) =>
        Container(role).Items("env").Where(item => item.At("value") is not null).ToDictionary(item => item.Text("name")!, item => item.Text("value")!);

    private static string? Unit(Roles role, string directive) =>
        DeployFile.Read($"deploy/systemd/qbsync-{Name(role)}.service").Split('\n').LastOrDefault(line => line.StartsWith(directive + "=", StringComparison.Ordinal))?[(directive.Length + 1)..];

    [GeneratedRegex("QBSYNC_(SOURCE|DESTINATION)_[A-Z0-9_]+")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^(FROM (--platform=\S+ )?|\s*image: )(?<name>\S+)", RegexOptions.Multiline)]
    private static partial Regex Image();
}
