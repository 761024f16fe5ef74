from explorer import frame, question_page

frame.begin("batch_size")

question_page.introduction("batch_size")
rows = question_page.published_numbers("batch_size")
question_page.planned("batch_size")
question_page.known_and_open("batch_size")
question_page.foot("batch_size", rows)
