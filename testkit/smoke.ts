import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { watchTree } from './process-tree.js'

/**
 * `npm run smoke`: the README's start command as a new user would run it, in an empty folder of its own, until a browser shows a
 * finding; then Ctrl-C, and once more. Prints what it saw and `N passed, N failed`.
 */
const ROOT = join(import.meta.dirname, '..')
const PAGES_WITHIN_MS = 60_000
const PEAK_MIB = 768
const BROWSER_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-smoke-'))
  const lake = join(folder, 'lake')
  const begun = Date.now()
  const command = startDemo(lake)
  const watched = watchTree(command.pid ?? 0)
  try {
    const url = await addressOf(command)
    const milliseconds = Date.now() - begun
    const seen = await lookAt(url)
    const { peakMib, foreign } = watched.stop()
    const missing = await datasetsWithoutFindings(url)
    const exit = await interrupt(command)
    const again = startDemo(lake)
    await addressOf(again)
    const exitAgain = await interrupt(again)
    return tell({
      [`pages after ${milliseconds} ms, at most ${PAGES_WITHIN_MS}`]: milliseconds <= PAGES_WITHIN_MS,
      [`all processes together took ${peakMib} MiB, at most ${PEAK_MIB}`]: peakMib <= PEAK_MIB,
      [`no process connected to another machine: ${foreign.join(' ') || 'none'}`]: foreign.length === 0,
      [`the first page shows ${seen.findings} findings`]: seen.findings > 0,
      [`every dataset has findings; without: ${missing.join(', ') || 'none'}`]: missing.length === 0,
      [`a finding's own page says: ${seen.sentence}`]: /expected/.test(seen.sentence),
      [`it has a chart and ${seen.rows} evidence rows`]: seen.chart && seen.rows > 0,
      [`no request of the page left this machine: ${seen.foreign.join(' ') || 'none'}`]:
        seen.foreign.length === 0,
      [`an interrupt ends it with ${exit}`]: isClean(exit),
      [`a second start has pages, too, and ends with ${exitAgain}`]: isClean(exitAgain),
    })
  } finally {
    await interrupt(command)
    await rm(folder, { recursive: true, force: true })
  }
}

function startDemo(lake: string): ChildProcess {
  const flags = ['--lake', lake, '--port', '0']
  return spawn('npm', ['start', '--silent', '--', ...flags], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
}

/** As Ctrl-C does: every process of the group is told. @returns the exit code, or the signal: npm ends by the one that it was sent */
async function interrupt(command: ChildProcess): Promise<number | string | null> {
  const how = () => command.exitCode ?? command.signalCode
  if (how() !== null || command.pid === undefined) return how()
  process.kill(-command.pid, 'SIGINT')
  await new Promise((resolve) => command.once('exit', resolve))
  return how()
}

function isClean(ending: number | string | null): boolean {
  return ending === 0 || ending === 'SIGINT'
}

async function datasetsWithoutFindings(url: string): Promise<string[]> {
  const ask = async (path: string) => (await fetch(`${url}/api/v1/${path}`)).json()
  const { datasets } = (await ask('datasets')) as { datasets: { id: string }[] }
  const empty: string[] = []
  for (const { id } of datasets) {
    const { findings } = (await ask(`findings?dataset=${id}&limit=1`)) as { findings: unknown[] }
    if (findings.length === 0) empty.push(id)
  }
  return empty
}

function tell(checks: Readonly<Record<string, boolean>>): number {
  for (const [check, holds] of Object.entries(checks))
    process.stdout.write(`${holds ? 'ok' : 'NOT OK'}  ${check}\n`)
  const failed = Object.values(checks).filter((holds) => !holds).length
  process.stdout.write(`smoke: ${Object.keys(checks).length - failed} passed, ${failed} failed\n`)
  return failed === 0 ? 0 : 1
}

/** The address that the command prints when its pages are there. */
function addressOf(command: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    command.stdout?.on('data', (chunk) => {
      text += chunk
      const url = /Pages: (http:\S+)/.exec(text)?.[1]
      if (url !== undefined) resolve(url)
    })
    command.once('exit', (code) =>
      reject(new Error(`npm start ended with code ${code} before there were pages`)),
    )
  })
}

async function lookAt(url: string) {
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim()
  const browser = await chromium.launch({ executablePath, args: BROWSER_FLAGS })
  try {
    const page = await browser.newPage()
    const foreign: string[] = []
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(url).origin) foreign.push(request.url())
    })
    await page.goto(url)
    const links = await page
      .locator('a[href^="/f/"]')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href')))
    await page.goto(new URL(links[0] ?? '/', url).href)
    const sentence = (await page.locator('main').innerText()).replaceAll(/\s+/g, ' ').slice(0, 220)
    const rows = await page.locator('table tbody tr').count()
    return {
      findings: new Set(links).size,
      sentence,
      rows,
      chart: (await page.locator('svg').count()) > 0,
      foreign,
    }
  } finally {
    await browser.close()
  }
}

process.exitCode = await main()
