import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

/**
 * `npm run smoke`: the README's start command as a new user would run it, in an empty folder of its own, until a browser shows a
 * finding; then Ctrl-C. Prints what it saw and `N passed, N failed`.
 */
const ROOT = join(import.meta.dirname, '..')
const PAGES_WITHIN_MS = 60_000
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
  const begun = Date.now()
  const command = spawn('npm', ['start', '--silent', '--', '--lake', join(folder, 'lake'), '--port', '0'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  try {
    const url = await addressOf(command)
    const seen = await lookAt(url)
    const checks: Record<string, boolean> = {
      [`pages after ${Date.now() - begun} ms, at most ${PAGES_WITHIN_MS}`]:
        Date.now() - begun <= PAGES_WITHIN_MS,
      [`the first page shows ${seen.findings} findings`]: seen.findings > 0,
      [`a finding's own page says: ${seen.sentence}`]: /expected/.test(seen.sentence),
      [`it has a chart and ${seen.rows} evidence rows`]: seen.chart && seen.rows > 0,
      [`no request left this machine: ${seen.foreign.join(' ') || 'none'}`]: seen.foreign.length === 0,
    }
    for (const [check, holds] of Object.entries(checks))
      process.stdout.write(`${holds ? 'ok' : 'NOT OK'}  ${check}\n`)
    const failed = Object.values(checks).filter((holds) => !holds).length
    process.stdout.write(`smoke: ${Object.keys(checks).length - failed} passed, ${failed} failed\n`)
    return failed === 0 ? 0 : 1
  } finally {
    if (command.pid !== undefined) process.kill(-command.pid, 'SIGINT')
    await new Promise((resolve) => command.once('exit', resolve))
    await rm(folder, { recursive: true, force: true })
  }
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
