# Reboots in a second, so that this answer still gets out; or, with $Really false, tells when it booted.
param([bool] $Really)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2

$booted = (Get-CimInstance -ClassName Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o')
if ($Really) {
    $said = & shutdown.exe /r /f /t 1
    if ($LASTEXITCODE -ne 0) { throw ('shutdown.exe: ' + ($said -join ' ')) }
}
ConvertTo-Json -Compress -InputObject @{ booted = $booted }
