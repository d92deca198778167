"""What tools/compare-search is made of.

cases        the works, and what is measured of each
codes        the codes that are searched, and what they are searched for
truth        what must be found, by brute force in NumPy, and what is wrong with an answer
engines      the peers, and the program that stands before one of them and speaks the protocol
memory       how fast memory is read
comparison   starts engines, holds their answers against the truth, times them in turn
report       the tables
plot         the picture
"""
