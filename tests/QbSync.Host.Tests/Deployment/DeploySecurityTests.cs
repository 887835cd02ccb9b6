using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;
using YamlDotNet.RepresentationModel;

namespace QbSync.Host.Tests.Deployment;

/// <summary>What the files of <c>deploy/</c> take away from the roles, and what they ask them.</summary>
[HostCase(48)]
internal sealed class DeploySecurityTests
{
    private static readonly string[] Roles = ["source", "destination"];

    [TestCaseSource(nameof(Roles))]
    public void Pod_IsNobodyAndMayNothing(string role)
    {
        var pod = Pod(role);
        var container = pod.At("containers", "0")!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(pod.Text("enableServiceLinks"), Is.EqualTo("false"));
            Assert.That(pod.Text("securityContext", "runAsNonRoot"), Is.EqualTo("true"));
            Assert.That((pod.Text("securityContext", "runAsUser"), pod.Text("securityContext", "runAsGroup")), Is.EqualTo(("1000", "1000")));
            Assert.That(pod.Text("securityContext", "seccompProfile", "type"), Is.EqualTo("RuntimeDefault"));
            Assert.That(container.Text("securityContext", "readOnlyRootFilesystem"), Is.EqualTo("true"));
            Assert.That(container.Text("securityContext", "allowPrivilegeEscalation"), Is.EqualTo("false"));
            Assert.That(container.Texts("securityContext", "capabilities", "drop"), Is.EqualTo(new[] { "ALL" }));
            Assert.That(container.Items("volumeMounts").Select(mount => mount.Text("mountPath")), Does.Contain("/state").And.Contain("/tmp"));
            Assert.That(DeployFile.Kind(File(role), "StatefulSet").Text("spec", "replicas"), Is.EqualTo("1"));
            Assert.That(DeployFile.Kind(File(role), "NetworkPolicy").Texts("spec", "policyTypes"), Is.EquivalentTo(new[] { "Ingress", "Egress" }));
        }
    }

    /// <summary>Only the source asks the cluster, and only for its own pod.</summary>
    [Test]
    public void Rights_InTheCluster_AreToReadPods()
    {
        var rules = DeployFile.Kind(File("source"), "Role").Items("rules").Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((rules.Texts("resources"), rules.Texts("verbs")), Is.EqualTo((new[] { "pods" }, new[] { "get" })));
            Assert.That(Pod("source").Text("automountServiceAccountToken"), Is.EqualTo("true"));
            Assert.That(Pod("destination").Text("automountServiceAccountToken"), Is.EqualTo("false"));
            Assert.That(DeployFile.ReadYaml(File("destination")).Select(document => document.Text("kind")), Has.None.EqualTo("Role"));
            Assert.That(Pod("source").Items("containers", "0", "env").Select(item => item.Text("valueFrom", "fieldRef", "fieldPath")), Does.Contain("metadata.name").And.Contain("metadata.namespace"));
        }
    }

    [TestCaseSource(nameof(Roles))]
    public void Service_OfCompose_IsNobodyAndMayNothing(string role)
    {
        // Merge keys are the reader's to follow: what is common stands first.
        var compose = DeployFile.ReadYaml("deploy/compose/compose.yml")[0];
        Assert.That(compose.At("services", role, "<<"), Is.SameAs(compose.At("x-qbsync")));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(compose.Text("x-qbsync", "user"), Is.EqualTo("${PUID:-1000}:${PGID:-1000}"));
            Assert.That(compose.Text("x-qbsync", "read_only"), Is.EqualTo("true"));
            Assert.That(compose.Texts("x-qbsync", "cap_drop"), Is.EqualTo(new[] { "ALL" }));
            Assert.That(compose.Texts("x-qbsync", "security_opt"), Is.EqualTo(new[] { "no-new-privileges:true" }));
            Assert.That(compose.Text("x-qbsync", "ulimits", "nofile"), Is.EqualTo("65536"));
            Assert.That(compose.Texts("services", role, "secrets"), Is.EqualTo(new[] { $"{role}-qb-password" }));
            Assert.That(compose.Text("secrets", $"{role}-qb-password", "file"), Does.StartWith("./secrets/"));
        }
    }

    [Test]
    public void Image_NeverRunsAsRoot() => Assert.That(
        DeployFile.Read("deploy/docker/Dockerfile"), Does.Contain("\nUSER 1000:1000\n").And.Contain("-chiseled\n").And.Contain("VOLUME [\"/state\"]").And.Contain("STATE_DIRECTORY=/state"));

    [TestCaseSource(nameof(Roles))]
    public void Unit_HasWhatItIsToHave(string role)
    {
        var unit = DeployFile.Read($"deploy/systemd/qbsync-{role}.service").Split('\n');
        Assert.That(unit, Is.SupersetOf(new[]
        {
            "Type=notify", $"StateDirectory=qbsync/{role}", $"LoadCredential=qb-password:/etc/qbsync/{role}-qb-password", "ProtectSystem=strict", "LimitNOFILE=65536",
            "NoNewPrivileges=yes", "CapabilityBoundingSet=", "RestartPreventExitStatus=2", "User=qbsync",
        }));
    }

    /// <summary>By systemd's own tool, where it is; the program is one that is on any machine.</summary>
    [TestCaseSource(nameof(Roles))]
    public async Task Unit_IsUnderstoodBySystemd(string role)
    {
        using var folder = new TempDirectory();
        var file = folder[$"qbsync-{role}.service"];
        await System.IO.File.WriteAllTextAsync(file, DeployFile.Read($"deploy/systemd/qbsync-{role}.service").Replace("ExecStart=/usr/bin/dotnet", "ExecStart=/bin/true", StringComparison.Ordinal));
        using var process = TryStart(new ProcessStartInfo("systemd-analyze", ["verify", file]) { RedirectStandardError = true });
        if (process is not null)
        {
            var errors = await process.StandardError.ReadToEndAsync().DefaultTimeout();
            await process.WaitForExitAsync().DefaultTimeout();
            Assert.That(errors.Split('\n').Where(line => line.Contains("qbsync-", StringComparison.Ordinal)), Is.Empty);
        }
    }

    /// <summary>A probe of a path that is not there would end a role that is well.</summary>
    [Test]
    public async Task Probes_Each_IsAPathThatTheExecutableHas()
    {
        var paths = Roles.SelectMany(role => new[] { "startupProbe", "livenessProbe", "readinessProbe" }.Select(probe => Pod(role).Text("containers", "0", probe, "httpGet", "path")!))
            .Append(DeployFile.ReadYaml("deploy/kubernetes/overlays/monitoring/servicemonitor.yaml")[0].Text("spec", "endpoints", "0", "path")!).Distinct().ToList();
        Assert.That(paths, Is.EquivalentTo(new[] { "/livez", "/readyz", "/metrics" }));
        Assert.That(Roles.Select(role => Pod(role).Text("containers", "0", "livenessProbe", "httpGet", "path")), Is.All.EqualTo("/livez"));
        using var folder = new TempDirectory();
        var port = FreePorts.Take();
        await using var destination = QbSyncProcess.Start(
        [
            "destination", "--data", folder.CreateFolder("data"), "--state-dir", folder["state"], "--client", "folder", "--listen", $"127.0.0.1:{FreePorts.Take()}",
            "--health-addr", $"127.0.0.1:{port}",
        ]);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        await Eventually.BecomesTrueAsync(() => destination.HasExited || destination.Output.Contains("runs; data", StringComparison.Ordinal));
        foreach (var path in paths)
        {
            using var answer = await http.GetAsync(path).DefaultTimeout();
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK).Or.EqualTo(HttpStatusCode.ServiceUnavailable), path);
        }

        // As the image's health check asks, which finds the state folder by its variable.
        Assert.That(DeployFile.Read("deploy/docker/Dockerfile"), Does.Contain("CMD [\"dotnet\", \"/app/qbsync.dll\", \"status\", \"--probe\", \"livez\"]"));
        await using var probe = QbSyncProcess.Start(["status", "--probe", "livez"], new Dictionary<string, string> { ["STATE_DIRECTORY"] = folder["state"] });
        Assert.That(await probe.WaitForExitAsync(), Is.Zero, probe.Output);

        Assert.That(await destination.TerminateAsync(), Is.Zero, destination.Output);
    }

    /// <summary>The rules for an operator are the rules, two columns further right.</summary>
    [Test]
    public void Rules_ForTheOperator_AreTheRules()
    {
        static string Groups(string text) => Regex.Replace(text[text.IndexOf("groups:", StringComparison.Ordinal)..], "^ +", "", RegexOptions.Multiline).TrimEnd();
        Assert.That(Groups(DeployFile.Read("deploy/kubernetes/overlays/monitoring/rules.yaml")), Is.EqualTo(Groups(DeployFile.Read("deploy/prometheus/rules.yml"))));
    }

    /// <summary>Whatever a kustomization names is there, and each file beside it is named.</summary>
    [Test]
    public void Kustomizations_NameWhatThereIs()
    {
        var files = DeployFile.All.Where(file => Path.GetFileName(file) == "kustomization.yaml").ToList();
        Assert.That(files, Has.Count.EqualTo(5));
        foreach (var file in files)
        {
            var folder = Path.GetDirectoryName(file)!;
            var root = DeployFile.ReadYaml(file)[0];
            var named = root.Texts("resources").Concat(root.Texts("configMapGenerator", "0", "files")).Select(name => Path.GetFullPath(Path.Combine(DeployFile.Repository, folder, name!))).ToList();
            Assert.That(named.Where(path => !System.IO.File.Exists(path) && !System.IO.File.Exists(Path.Combine(path, "kustomization.yaml"))), Is.Empty, file);
            Assert.That(
                DeployFile.All.Where(other => Path.GetDirectoryName(other) == folder && other.EndsWith(".yaml", StringComparison.Ordinal) && other != file)
                    .Where(other => !named.Contains(Path.Combine(DeployFile.Repository, other))),
                Is.Empty,
                file);
        }
    }

    private static string File(string role) => $"deploy/kubernetes/base/{role}.yaml";

    private static YamlNode Pod(string role) => DeployFile.Kind(File(role), "StatefulSet").At("spec", "template", "spec")!;

    private static Process? TryStart(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
