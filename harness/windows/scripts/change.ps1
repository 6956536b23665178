# Makes or takes back one change. What was there before is written into $Folder first, so that it can be
# taken back by whoever comes later: after a reboot, or after we were killed half way.
param([string] $Action, [string] $Name, [object[]] $Settings, [string] $Folder)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2

$starts = @('boot', 'system', 'auto', 'demand', 'disabled')

function ConvertTo-Plain($Value) {
    if ($null -eq $Value -or $Value -is [bool]) { return $Value }
    if ($Value -is [int] -or $Value -is [uint32] -or $Value -is [long]) { return [long] $Value }
    [string] $Value
}

function Get-GuestAccount {
    $found = @(Get-CimInstance -ClassName Win32_UserAccount -Filter 'LocalAccount=True' |
            Where-Object { $_.SID -like '*-501' })
    if ($found.Count -ne 1) { throw 'this Windows has no account Guest' }
    $found[0]
}

function Get-Setting($Setting) {
    $name = $Setting.name
    switch ($Setting.kind) {
        'smb-server' {
            $value = (Get-SmbServerConfiguration).$name
            return ConvertTo-Plain $value
        }
        'smb-client' {
            $value = (Get-SmbClientConfiguration).$name
            return ConvertTo-Plain $value
        }
        'registry' {
            if (-not (Test-Path -LiteralPath $Setting.path)) { return $null }
            $value = (Get-Item -LiteralPath $Setting.path).GetValue($name, $null)
            return ConvertTo-Plain $value
        }
        'feature' {
            $found = Get-WindowsOptionalFeature -Online -FeatureName $name
            if ($null -eq $found) { throw ('this Windows has no feature ' + $name) }
            # EnablePending and DisablePending: the reboot that they wait for is the lab's business.
            return ([string] $found.State).Replace('Pending', 'd')
        }
        'service' {
            # The words that Set-Setting takes: the start, then the dependencies with / between them.
            $key = Get-Item -LiteralPath ('HKLM:\SYSTEM\CurrentControlSet\Services\' + $name)
            $depends = $key.GetValue('DependOnService', @()) -join '/'
            return ($starts[$key.GetValue('Start')] + ' ' + $depends).Trim()
        }
        'guest-account' { return -not (Get-GuestAccount).Disabled }
        default { throw ('no setting is of the kind ' + $Setting.kind) }
    }
}

function Set-Setting($Setting, $Value) {
    switch ($Setting.kind) {
        'smb-server' {
            $with = @{ Force = $true; Confirm = $false }
            $with[$Setting.name] = $Value
            Set-SmbServerConfiguration @with | Out-Null
        }
        'smb-client' {
            $with = @{ Force = $true; Confirm = $false }
            $with[$Setting.name] = $Value
            Set-SmbClientConfiguration @with | Out-Null
        }
        'registry' {
            if ($null -eq $Value) {
                if ($null -ne (Get-Setting $Setting)) {
                    Remove-ItemProperty -LiteralPath $Setting.path -Name $Setting.name -Force
                }
                return
            }
            if (-not (Test-Path -LiteralPath $Setting.path)) { New-Item -Path $Setting.path | Out-Null }
            $with = @{ LiteralPath = $Setting.path; Name = $Setting.name; Value = $Value }
            New-ItemProperty @with -PropertyType $Setting.type -Force | Out-Null
        }
        'feature' {
            if ((Get-Setting $Setting) -eq $Value) { return }
            $with = @{ Online = $true; NoRestart = $true; FeatureName = $Setting.name }
            if ($Value -like 'Disabled*') {
                Disable-WindowsOptionalFeature @with | Out-Null
            } else {
                Enable-WindowsOptionalFeature @with -All | Out-Null
            }
        }
        'service' {
            $start, $depends = $Value.Split(' ')
            $words = @('config', $Setting.name, 'start=', $start)
            if ($null -ne $depends) { $words += @('depend=', $depends) }
            $said = & sc.exe @words
            if ($LASTEXITCODE -ne 0) { throw ('sc.exe {0}: {1}' -f ($words -join ' '), ($said -join ' ')) }
        }
        'guest-account' {
            # ADS_UF_ACCOUNTDISABLE
            $account = [ADSI] ('WinNT://./{0},user' -f (Get-GuestAccount).Name)
            $flags = [int] $account.UserFlags.Value
            $flags = $(if ($Value) { $flags -band (-bnot 2) } else { $flags -bor 2 })
            $account.Put('UserFlags', $flags)
            $account.SetInfo()
        }
        default { throw ('no setting is of the kind ' + $Setting.kind) }
    }
}

function Write-Record([string] $Path, $Done) {
    $text = ConvertTo-Json -Depth 6 -InputObject @{ done = @($Done) }
    [IO.File]::WriteAllText($Path, $text)
}

$record = Join-Path $Folder ($Name + '.json')
$known = Test-Path -LiteralPath $record
if ($Action -eq 'apply') {
    if ($known) {
        $done = @((ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($record))).done)
    } else {
        $done = @($Settings | ForEach-Object { @{ setting = $_; before = (Get-Setting $_) } })
        if (-not (Test-Path -LiteralPath $Folder)) { New-Item -ItemType Directory -Path $Folder | Out-Null }
        Write-Record $record $done
    }
    foreach ($one in $Settings) { Set-Setting $one $one.value }
} elseif ($Action -eq 'revert') {
    if (-not $known) { throw ('nothing is written down about ' + $Name) }
    $done = @((ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($record))).done)
    for ($at = $done.Count - 1; $at -ge 0; $at--) { Set-Setting $done[$at].setting $done[$at].before }
    Remove-Item -LiteralPath $record
} else {
    throw ('apply or revert, not ' + $Action)
}
$now = @($done | ForEach-Object {
        @{ kind = $_.setting.kind; name = $_.setting.name; before = $_.before; after = (Get-Setting $_.setting) }
    })
ConvertTo-Json -Compress -Depth 6 -InputObject @{ settings = $now }
