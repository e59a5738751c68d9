/** Colors of one appearance. `text`, `muted`, `blue` and `orange` are also used for words: contrast on `page` and `panel` ≥ 4.5. */
export interface Tokens {
  readonly page: string
  readonly panel: string
  readonly text: string
  readonly muted: string
  readonly rule: string
  /** The expected range. */
  readonly band: string
  /** Observed counts, links. */
  readonly blue: string
  /** Weeks outside their range. Orange and blue stay apart for red-green blindness. */
  readonly orange: string
  /** The span that a finding marks. */
  readonly mark: string
}

export const LIGHT: Tokens = {
  page: '#ffffff',
  panel: '#f5f6f8',
  text: '#1b1f24',
  muted: '#545c66',
  rule: '#d5d9df',
  band: '#dfe3e9',
  blue: '#0b57a4',
  orange: '#a84300',
  mark: '#fdf0e4',
}

export const DARK: Tokens = {
  page: '#14171b',
  panel: '#1d2127',
  text: '#e9ebee',
  muted: '#a8b0ba',
  rule: '#39404a',
  band: '#363d47',
  blue: '#84bbff',
  orange: '#ffa05c',
  mark: '#2e251c',
}

/** Tokens as CSS variables. */
export function variables(tokens: Tokens): string {
  return Object.entries(tokens)
    .map(([name, color]) => `--${name}:${color}`)
    .join(';')
}

/**
 * Contrast of two colors, 1 to 21.
 * @param first, second `#rrggbb`
 * @see WCAG 2.2, contrast ratio
 */
export function contrast(first: string, second: string): number {
  const [lighter, darker] = [luminance(first), luminance(second)].sort((a, b) => b - a) as [number, number]
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
