import { describe, expect, it } from 'vitest'
import { addDays } from '../../kernel/time.js'
import { printScore } from './print-score.js'
import { planted, seriesOf, told, truthOf } from './score.fixture.js'
import { scoreCity } from './score.js'
import { renderScorePage } from './score-page.js'

const wrong = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    told(addDays('2023-01-02', 7 * index), { index, category: 'Loud music' }),
  )

const trap = planted({
  ...{ id: 'trap', kind: 'outage', measure: 'publication', factor: 1, from: '2025-06-02' },
  said: 'Nothing was published <for two weeks>.',
})
const fall = told('2025-06-02', { index: 900, direction: 'down', sentence: 'Potholes fell.' })

const scoreOf = (findings = wrong(25), categories?: readonly string[]) =>
  scoreCity(truthOf([planted(), trap]), { events: [...findings, fall], series: seriesOf(categories) })

describe('a score as text', () => {
  const text = printScore(scoreOf())

  it('says first that the city is simulated', () => {
    expect(text.split('\n')[0]).toBe(
      'Testville, a simulated city (seed 7, size S), from 2021-01-01 to 2025-12-31',
    )
  })

  it('has aligned tables', () => {
    const lines = text.split('\n')
    const at = lines.findIndex((line) => line.startsWith('kind of event'))
    const ends = lines.slice(at, at + 3).map((line) => line.search(/(expected|1|0) {2}/))
    expect(lines[at + 1]).toMatch(/^rise of several weeks +1 +1 +0 +0 %$/)
    expect(new Set(ends).size).toBeLessThanOrEqual(2)
    expect(lines.some((line) => /\s$/.test(line))).toBe(false)
  })

  it('has the sentences of what was missed and of what is false, and says how many it left out', () => {
    expect(text).toContain(
      'Planted and not found (1)\n  2025-03-03  Three times as many potholes in district 2.',
    )
    expect(text).toContain(
      'Reported, and nothing was planted there (26)\n  /f/finding-2023-01-02  Potholes rose',
    )
    expect(text).toContain('\n  and 6 more')
  })

  it('has each trap with the sentence that falls into it', () => {
    expect(text).toContain('Traps: 1 of 1 were reported as a rise or fall')
    expect(text).toContain('/f/finding-2025-06-02  Potholes fell. But: Nothing was published')
  })

  it('leaves out lists without anything in them', () => {
    const right = printScore(
      scoreCity(truthOf([planted()]), { events: [told('2025-03-03')], series: seriesOf() }),
    )
    expect(right).toContain('planted events found, of counts')
    expect(right).not.toMatch(/Traps|not found|nothing was planted|not joined/)
  })

  it('names categories that are not joined, and datasets without a finding', () => {
    const apart = printScore(scoreOf([], ['Pothole', 'Pothole in street']))
    expect(apart).toContain('calls: pothole stands apart as Pothole, Pothole in street')
    expect(apart).toContain('calls: noise is nowhere')
    const silent = printScore(scoreCity(truthOf([]), { events: [], series: [] }))
    expect(silent).toContain('2023-01-02 (assumed)')
    expect(silent).toContain('no finding at all: calls')
  })
})

describe('a score as a page', () => {
  const page = renderScorePage(scoreOf())

  it('is one file: no script, no other host, nothing to load', () => {
    expect(page).toMatch(/^<!doctype html><html lang="en">/)
    expect(page).not.toMatch(/<script|<img|<iframe|https?:|url\(|@import|src=|\bon[a-z]+=/i)
    expect([...page.matchAll(/href="([^"]*)"/g)].map((match) => match[1])).toEqual(['data:,'])
  })

  it('says at its top that the city is simulated, and what the numbers do not say', () => {
    expect(page.indexOf('is a simulated city')).toBeLessThan(page.indexOf('<h1>'))
    expect(page).toContain('What the numbers say, and what they do not')
  })

  it('has a caption and heads with a scope in every table, and columns of the same number', () => {
    const tables = page.split('<table').slice(1)
    expect(tables).toHaveLength(4)
    for (const table of tables) {
      expect(table).toContain('<caption>')
      expect(table).toContain('scope="col"')
      const rows = table.split('<tr>').slice(1)
      expect(new Set(rows.map((row) => row.match(/<(td|th)[\s>]/g)?.length)).size).toBe(1)
    }
  })

  it('writes texts as texts', () => {
    expect(page).toContain('Nothing was published &lt;for two weeks')
    expect(page).not.toContain('<for two weeks')
  })

  it('shows a hundred sentences of a list, and says how many more there are', () => {
    const long = renderScorePage(scoreOf(wrong(120)))
    expect(long.match(/<li>/g)?.length).toBeLessThan(110)
    expect(long).toContain('And 21 more')
  })

  it('keeps the contrast of words at 4.5 or more in both appearances', () => {
    for (const [, colors] of page.matchAll(/:root\{([^}]*)\}/g)) {
      const tokens = Object.fromEntries(
        [...colors!.matchAll(/--(\w+):(#\w+)/g)].map((match) => match.slice(1)),
      )
      for (const word of ['text', 'muted', 'good', 'bad'])
        expect(contrast(tokens[word]!, tokens.page!), word).toBeGreaterThanOrEqual(4.5)
    }
  })
})

/** @see WCAG 2.2, contrast ratio */
function contrast(first: string, second: string): number {
  const [high, low] = [luminance(first), luminance(second)].sort((a, b) => b - a) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function luminance(color: string): number {
  const full = color.length === 4 ? color.replaceAll(/[^#]/g, '$&$&') : color
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(full.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
