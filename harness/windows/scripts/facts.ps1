# What a Windows is and how its SMB is set up. Changes nothing. Cmdlets, sc.exe and reg.exe are handed on as
# they speak; whoever asked reads them.
param([string] $Folder)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2

function Get-Answer([scriptblock] $Question) {
    # What this Windows has not, it cannot tell: null.
    try { & $Question } catch { $null }
}

function Get-List([scriptblock] $Question) {
    # As a person would read it: Name : value. The width keeps long values on one line.
    $found = Get-Answer $Question
    if ($null -ne $found) { $found | Format-List -Property * | Out-String -Width 4096 }
}

function Get-Text([string[]] $Words) {
    $rest = @($Words | Select-Object -Skip 1)
    & $Words[0] @rest | Out-String
}

$system = Get-CimInstance -ClassName Win32_OperatingSystem
# UBR: the update's number behind the build, as winver.exe shows it; Windows 10 and later.
$current = Get-Item -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
$services = @{}
foreach ($name in 'lanmanserver', 'lanmanworkstation', 'srv', 'srv2', 'mrxsmb10', 'mrxsmb20') {
    $services[$name] = @{
        query  = Get-Answer { Get-Text 'sc.exe', 'query', $name }
        config = Get-Answer { Get-Text 'sc.exe', 'qc', $name, '4096' }
    }
}
$keys = @{
    server = 'HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters'
    client = 'HKLM\SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters'
    lsa    = 'HKLM\SYSTEM\CurrentControlSet\Control\Lsa'
    msv1_0 = 'HKLM\SYSTEM\CurrentControlSet\Control\Lsa\MSV1_0'
}
$registry = @{}
foreach ($name in $keys.Keys) {
    $registry[$name] = Get-Answer { Get-Text 'reg.exe', 'query', $keys[$name] }
}
$drivers = @{}
foreach ($name in 'srv.sys', 'srv2.sys', 'mrxsmb10.sys', 'mrxsmb20.sys') {
    $path = Join-Path ([Environment]::SystemDirectory) ('drivers\' + $name)
    if (Test-Path -LiteralPath $path) {
        $version = [Diagnostics.FileVersionInfo]::GetVersionInfo($path)
        $hash = [Security.Cryptography.SHA256]::Create()
        $bytes = $hash.ComputeHash([IO.File]::ReadAllBytes($path))
        $drivers[$name] = @{
            version = @($version.FileMajorPart, $version.FileMinorPart, $version.FileBuildPart, $version.FilePrivatePart)
            sha256  = ([BitConverter]::ToString($bytes)).Replace('-', '').ToLowerInvariant()
        }
    }
}
$guest = Get-Answer {
    Get-CimInstance -ClassName Win32_UserAccount -Filter 'LocalAccount=True' |
        Where-Object { $_.SID -like '*-501' } | Select-Object -First 1
}
$records = @()
if (Test-Path -LiteralPath $Folder) {
    $records = @(Get-ChildItem -LiteralPath $Folder -Filter '*.json' |
            Sort-Object -Property CreationTimeUtc | ForEach-Object { $_.BaseName })
}
$pending = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'
$answer = @{
    caption              = [string] $system.Caption
    version              = [string] $system.Version
    revision             = $current.GetValue('UBR', $null)
    booted               = $system.LastBootUpTime.ToUniversalTime().ToString('o')
    powershell           = [string] $PSVersionTable.PSVersion
    server_configuration = Get-List { Get-SmbServerConfiguration }
    client_configuration = Get-List { Get-SmbClientConfiguration }
    features             = Get-List {
        Get-WindowsOptionalFeature -Online | Where-Object { $_.FeatureName -like 'SMB1Protocol*' }
    }
    services             = $services
    registry             = $registry
    drivers              = $drivers
    guest_enabled        = $(if ($null -eq $guest) { $null } else { -not $guest.Disabled })
    reboot_pending       = (Test-Path -LiteralPath $pending)
    records              = $records
}
ConvertTo-Json -Compress -Depth 6 -InputObject $answer
