"""Files of word vectors: text, binary, gensim, memory-mapped."""
