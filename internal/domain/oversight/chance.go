package oversight

import "math"

// The chances by which what is seen is told from what is usual.

// binomialAtLeast is the chance that of n cases, each with chance p, x or more come out.
func binomialAtLeast(x, n, p float64) float64 {
	switch {
	case x <= 0:
		return 1
	case x > n:
		return 0
	}
	return betaPart(x, n-x+1, p)
}

// normalAtLeast is the chance of so many deviations or more.
func normalAtLeast(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// poissonAtLeast is the chance that x or more come where mean are usual.
func poissonAtLeast(x, mean float64) float64 {
	if x <= 0 {
		return 1
	}
	return gammaPart(x, mean)
}

const (
	tiny  = 1e-300
	steps = 400
)

// betaPart is the regularised incomplete beta function, by its continued fraction.
func betaPart(a, b, x float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab - la - lb + a*math.Log(x) + b*math.Log1p(-x))
	if x > (a+1)/(a+b+2) {
		return 1 - front*betaFraction(b, a, 1-x)/b
	}
	return front * betaFraction(a, b, x) / a
}

func betaFraction(a, b, x float64) float64 {
	c, d := 1.0, 1/away(1-(a+b)*x/(a+1))
	f := d
	for i := 1; i < steps; i++ {
		m := float64(i)
		t := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/away(1+t*d), away(1+t/c)
		f *= d * c
		t = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/away(1+t*d), away(1+t/c)
		f *= d * c
		if math.Abs(d*c-1) < 1e-12 {
			break
		}
	}
	return f
}

func away(v float64) float64 {
	if math.Abs(v) < tiny {
		return tiny
	}
	return v
}

// gammaPart is the regularised lower incomplete gamma function: by its series, or above the mean by its continued
// fraction.
func gammaPart(a, x float64) float64 {
	if x <= 0 {
		return 0
	}
	la, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - la)
	if x < a+1 {
		sum, term := 1/a, 1/a
		for n := 1; n < 10*steps && term > sum*1e-14; n++ {
			term *= x / (a + float64(n))
			sum += term
		}
		return min(front*sum, 1)
	}
	b := x + 1 - a
	c, d := 1/tiny, 1/away(b)
	f := d
	for n := 1; n < 10*steps; n++ {
		t := float64(n) * (a - float64(n))
		b += 2
		d, c = 1/away(t*d+b), away(b+t/c)
		f *= d * c
		if math.Abs(d*c-1) < 1e-12 {
			break
		}
	}
	return max(1-front*f, 0)
}
