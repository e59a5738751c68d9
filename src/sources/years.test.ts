import { describe, expect, it } from 'vitest'
import { pickYears, wordsOf } from './years.js'

const NOW = Date.UTC(2026, 5, 1)
const named = (...names: string[]) => names.map((name, at) => ({ id: `id-${at}`, name }))

describe('things found by their years', () => {
  it('are those whose whole name fits, whatever case and blanks', () => {
    const listed = named(
      '311 requests (2024)',
      ' 311   REQUESTS (2023) ',
      '311 requests (2024) old',
      '311 requests 2022',
    )
    const { items, missing } = pickYears(
      listed,
      { name: '311 Requests ({year})', from: 2022, through: 2024 },
      NOW,
    )
    expect(items.map(({ id }) => id)).toEqual(['id-1', 'id-0'])
    expect(missing).toEqual(['311 Requests (2022)'])
  })

  it('have to reach the current year when no last one is named, and may reach beyond', () => {
    const pattern = { name: '{year}', from: 2025 }
    expect(pickYears(named('2025'), pattern, NOW).missing).toEqual(['2026'])
    expect(pickYears(named('2027', '2025', '2026'), pattern, NOW).items.map(({ name }) => name)).toEqual([
      '2025',
      '2026',
      '2027',
    ])
  })

  it('have one year in a name that says it twice', () => {
    const pattern = { name: '{year}/requests-{year}.csv', from: 2024, through: 2024 }
    expect(pickYears(named('2024/requests-2023.csv', '2024/requests-2024.csv'), pattern, NOW).items).toEqual([
      { id: 'id-1', name: '2024/requests-2024.csv' },
    ])
  })

  it('are refused when a year is there twice', () => {
    expect(() => pickYears(named('A 2024', 'a 2024'), { name: 'A {year}', from: 2024 }, NOW)).toThrow(
      /two things fit/,
    )
  })

  it('are searched for by the words around the year', () => {
    expect(wordsOf({ name: '311 Service-Requests, {year} (closed)', from: 2020 })).toBe(
      '311 Service Requests closed',
    )
  })
})
